import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMANDS, GROUPS } from '../../../src/cli/catalogue.ts'
import { SHARED } from '../../../src/cli/shared-options.ts'
import { LINES } from '../../../src/cli/topics/exit-codes.ts'
import { EXIT } from '../../../src/model/errors.ts'
import { commandHelp } from '../../../src/render/help.ts'
import { PLAIN } from '../../../src/render/style.ts'

const docs = join(import.meta.dirname, '../../../docs')

/** `UPDATE_DOCS=1` writes it anew. */
test('docs/cli.md says what --help says', () => {
  const text = [
    '# Commands',
    '',
    'Written by `UPDATE_DOCS=1 npx vitest run tests/unit/cli/docs.test.ts`; `bot-bottle COMMAND --help` prints the same.',
    'Results go to stdout, progress and questions to stderr. Exit codes: [exit-codes.md](exit-codes.md).',
    ...GROUPS.flatMap((group) => [
      '',
      `## ${group}`,
      ...COMMANDS.filter((command) => command.group === group).flatMap((command) => [
        '',
        `### ${command.name}`,
        '```',
        ...commandHelp(command, SHARED, PLAIN),
        '```',
      ]),
    ]),
    '',
  ].join('\n')
  const path = join(docs, 'cli.md')
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text)
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('every exit code is in the topic and in docs/exit-codes.md', () => {
  const page = readFileSync(join(docs, 'exit-codes.md'), 'utf8')
  for (const code of Object.values(EXIT)) {
    expect(LINES.some((line) => line.startsWith(`  ${code} `))).toBe(true)
    expect(page).toContain(`| ${code} |`)
  }
})
