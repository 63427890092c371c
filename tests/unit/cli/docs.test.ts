import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMANDS, GROUPS } from '../../../src/cli/grammar/catalogue.ts'
import { SHARED } from '../../../src/cli/grammar/shared-options.ts'
import { LINES } from '../../../src/cli/grammar/topics/exit-codes.ts'
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

describe('docs/errors.md', () => {
  const src = join(docs, '../src')
  const codes = (page: string): Set<string> =>
    new Set(
      [...readFileSync(join(docs, page), 'utf8').matchAll(/^\| (`.+?`) \|/gm)].flatMap(([, cell]) =>
        [...(cell ?? '').matchAll(/`([a-z0-9…-]+)`/g)].map(([, code]) => code ?? ''),
      ),
    )
  /** Commander's, and those that a sidecar or the guest's init gives. */
  const elsewhere = [
    'unknown-command',
    'unknown-option',
    'option-missing-argument',
    'invalid-argument',
    'init-…',
  ]
  // The memory driver is for tests; what a person can meet of it is what the others say too.
  const files = globSync('**/*.ts', { cwd: src }).filter((file) => !file.startsWith('drivers/memory/'))
  const emitted = new Map(
    files.flatMap((file) =>
      [...readFileSync(join(src, file), 'utf8').matchAll(/\bcode: ([^,\n]*)/g)].flatMap(([, value = '']) =>
        [...value.matchAll(/(?:^|[?:] )'([a-z][a-z0-9-]+)'/g)].map(([, code]) => [code ?? '', file] as const),
      ),
    ),
  )
  const [errors, diagnostics] = [codes('errors.md'), codes('diagnostics.md')]

  test('has every code of the source that is no diagnostic of a manifest', () => {
    expect([...emitted].filter(([code]) => !errors.has(code) && !diagnostics.has(code))).toEqual([])
    expect(emitted.size).toBeGreaterThan(100)
  })
  test('has no code that is not in the source', () => {
    const memory = ['bottle-not-running', 'control-unreachable', 'environment-missing', 'object-gone']
    expect(
      [...errors].filter((code) => ![...emitted.keys(), ...elsewhere, ...memory].includes(code)),
    ).toEqual([])
  })
})
