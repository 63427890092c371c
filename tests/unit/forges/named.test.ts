import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { DIALECTS, openForgeNamed } from '../../../src/cli/stack/forges.ts'
import { gitea } from '../../../src/forges/gitea.ts'
import { Secret } from '../../../src/model/secret.ts'

const ACCESS = {
  api: 'https://forge.example/api/v1',
  token: new Secret('x'),
  tokenName: 'TOKEN',
  allowPrivate: false,
  trust: [],
}

it('opens each forge that the manifest’s schema and the docs name', async () => {
  const root = join(import.meta.dirname, '../../..')
  const schema = readFileSync(join(root, 'schema/manifest.v1.json'), 'utf8')
  const page = readFileSync(join(root, 'docs/forges.md'), 'utf8')
  expect(schema).toContain(`The forge: ${[...DIALECTS.keys()].join(', ')} or a plug-in.`)
  for (const provider of DIALECTS.keys()) {
    expect(page).toContain(`| \`${provider}\` |`)
    expect(await openForgeNamed(provider, ACCESS, DIALECTS)).toMatchObject({ api: ACCESS.api })
  }
})

it('opens one that a plug-in adds, and names all where there is none of that name', async () => {
  const more = new Map([...DIALECTS, ['mine', async () => ({ ...gitea, provider: 'mine' })]])
  expect(await openForgeNamed('mine', ACCESS, more)).toMatchObject({ provider: 'mine' })
  await expect(openForgeNamed('mine', ACCESS, DIALECTS)).rejects.toMatchObject({
    code: 'unknown-forge',
    exit: 2,
    hint: 'provider: gitea, forgejo, github, gitlab',
  })
})
