import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RULES } from '../../../sidecars/policy/rules.ts'
import { remedyOf } from '../../../sidecars/policy/remedies.ts'
import type { Remedy } from '../../../sidecars/policy/remedies.ts'
import { loadText } from '../manifest/loading.ts'

const path = join(import.meta.dirname, '../../../docs/egress.md')
const REMEDIES: Readonly<Record<Remedy, string>> = {
  route: 'a route or an entry of its `matches` can allow it',
  deny: 'the `deny` entry that holds',
  option: 'another key of the route can allow it',
  limit: 'the `limits` of the route',
  credential: 'the reference under `auth`; `bot-bottle doctor --secrets`',
  finding: 'the value does not leave; a known finding can be accepted',
  never: 'no line of a manifest can allow it',
  upstream: 'the upstream, or the way to it',
  door: '`bot-bottle status`, `bot-bottle apply`',
}

/** `UPDATE_DOCS=1` writes it anew. */
test('docs/egress.md has every rule, its status and its words, and what can be done', () => {
  const [begin, end] = [
    '<!-- rules: written by UPDATE_DOCS=1 npx vitest run tests/unit/policy/docs.test.ts -->',
    '<!-- rules end -->',
  ]
  const rows = Object.entries(RULES).map(([rule, { status, words }]) => {
    const said = /^[A-Z]/.test(words) ? `${words}.` : `HOST ${words}.`
    return `| \`${rule}\` | ${status} | ${said} | ${REMEDIES[remedyOf(rule) ?? 'never']} |`
  })
  const text = readFileSync(path, 'utf8')
  const head = '| rule | status | what egress says | what can be done |\n|---|---|---|---|\n'
  const written = text.replace(
    new RegExp(`${begin}\n[^]*${end}\n`),
    `${begin}\n\n${head}${rows.join('\n')}\n\n${end}\n`,
  )
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, written)
  expect(text).toBe(process.env['UPDATE_DOCS'] === '1' ? text : written)
})

test('the policy that docs/egress.md shows is one', async () => {
  const [, block = ''] = /```yaml\n(egress:[^]*?)```/.exec(readFileSync(path, 'utf8')) ?? []
  const { desired } = await loadText(
    `version: 1\nstack: a\nbottles:\n  dev:\n${block.replaceAll(/^/gm, '    ')}`,
  )
  expect(desired.resources.filter(({ kind }) => kind === 'route').length).toBe(6)
})
