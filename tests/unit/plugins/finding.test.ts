import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findPlugins } from '../../../src/plugins/find.ts'
import { loadPlugin } from '../../../src/plugins/load.ts'
import { isBroken } from '../../../src/plugins/plugin.ts'
import { onlyIn, openHomeFolder, wrong } from './folder.ts'

let folder: ReturnType<typeof openHomeFolder>
beforeEach(() => {
  folder = openHomeFolder()
})
afterEach(() => folder.close())

const only = () => onlyIn(folder.home)
const loaded = () => {
  const found = only()
  return isBroken(found) ? found : loadPlugin(found)
}

describe('the plug-ins of a user', () => {
  it('are none where there is no folder for them', () => {
    expect(findPlugins(folder.home)).toEqual([])
  })

  it('are the folders of contrib, sorted, with what their manifests say', () => {
    folder.plugin('beta', '', { kind: 'detector', description: 'Tokens of Beta', overrides: true })
    const acme = folder.plugin('acme', '', {
      dockerfile: { path: './Dockerfile', context: ['./bin'], network: 'none' },
    })
    folder.write('contrib/README.md', 'what lies here')
    folder.write('contrib/.git/config', '')
    expect(findPlugins(folder.home)).toMatchObject([
      {
        name: 'acme',
        version: '1.0.0',
        kind: 'provider',
        overrides: false,
        folder: acme,
        module: join(acme, 'index.mjs'),
        dockerfile: { path: join(acme, 'Dockerfile'), context: [join(acme, 'bin')], network: 'none' },
      },
      { name: 'beta', kind: 'detector', overrides: true, description: 'Tokens of Beta' },
    ])
  })

  it('run nothing when they are looked for', () => {
    folder.plugin('acme', 'throw new Error("it ran")')
    expect(wrong(only())).toBe('')
    expect(wrong(loaded())).toMatch(/^plugin-module: .*cannot be loaded: it ran$/)
  })

  it('go on without one that is broken', () => {
    folder.plugin('acme', '', { kind: 'driver' })
    folder.write('contrib/empty/notes.txt', '')
    folder.plugin('whole', '')
    expect(findPlugins(folder.home).map((one) => [one.name, isBroken(one)])).toEqual([
      ['acme', true],
      ['empty', true],
      ['whole', false],
    ])
  })

  it.each([
    [
      'another kind',
      { kind: 'driver' },
      /^not-one-of: `driver` is not `provider`, `provisioner` or `detector`/,
    ],
    ['another interface', { api: 2 }, /^not-one-of: `2` is not `1`/],
    ['no version', { version: undefined }, /^missing-key: this entry needs `version`/],
    ['a module elsewhere', { module: '../other/index.mjs' }, /^bad-path: /],
    ['a module that is no ES module wherever it lies', { module: './index.js' }, /^bad-path: /],
    ['an absolute Dockerfile', { dockerfile: { path: '/etc/Dockerfile' } }, /^bad-path: /],
    ['a Dockerfile of a forge', { kind: 'provisioner', dockerfile: { path: './D' } }, /^key-not-with: /],
    ['a name that is not its folder’s', { name: 'other' }, /^plugin-name: .*`other`.*`acme`/],
    ['a key that is none', { overides: true }, /^unknown-key: .*did you mean `overrides`/],
  ])('are refused with %s', (_what, manifest, said) => {
    folder.plugin('acme', '', manifest)
    expect(wrong(only())).toMatch(said)
  })

  it('are refused where the manifest is no map, and where there is none', () => {
    folder.write('contrib/acme/plugin.yaml', '- api: 1')
    expect(wrong(only())).toMatch(/^wrong-type: a plug-in is a map/)
    unlinkSync(join(folder.home, 'contrib/acme/plugin.yaml'))
    expect(wrong(only())).toMatch(/^plugin-unreadable: there is no .*plugin\.yaml$/)
  })
})
