import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findPlugins, pluginAt } from '../../../src/plugins/find.ts'
import { loadPlugin } from '../../../src/plugins/load.ts'
import { isBroken } from '../../../src/plugins/plugin.ts'
import { MANIFEST as ACME, onlyIn, openHomeFolder, wrong } from './folder.ts'

let folder: ReturnType<typeof openHomeFolder>
beforeEach(() => {
  folder = openHomeFolder()
})
afterEach(() => folder.close())

const PROGRAM = join(import.meta.dirname, '../../../bin/bot-bottle')

const only = () => onlyIn(folder.home)
const loaded = () => {
  const found = only()
  return isBroken(found) ? found : loadPlugin(found)
}

describe('[SPP-13] a plug-in is loaded only from what the user alone can write', () => {
  const written = (): string => folder.plugin('acme', 'export default 1')

  it('and is, where nobody else can', () => {
    written()
    expect(loaded()).toEqual({ exported: 1 })
  })

  it.each([
    ['its module', 'index.mjs', 0o646],
    ['its manifest', 'plugin.yaml', 0o664],
    ['its folder', '', 0o777],
    ['its sticky folder', '', 0o1777],
    ['the folder of all plug-ins', '..', 0o770],
    ['the home', '../..', 0o707],
  ])('not when others can write %s', (_what, path, mode) => {
    const target = join(written(), path)
    chmodSync(target, mode)
    expect(wrong(only())).toContain(`plugin-unprotected: ${target} can be written by others`)
    chmodSync(target, 0o700)
    expect(wrong(only())).toBe('')
  })

  it('not when a file that it could import can be written by others', () => {
    written()
    chmodSync(folder.write('contrib/acme/lib/deep/more.mjs', ''), 0o666)
    expect(wrong(only())).toMatch(/^plugin-unprotected: .*lib\/deep\/more\.mjs can be written by others/)
  })

  it('not through a link, of the folder or in it', () => {
    const real = written()
    const elsewhere = join(folder.home, 'checkout')
    renameSync(real, elsewhere)
    symlinkSync(elsewhere, real)
    expect(wrong(only())).toBe(`plugin-unprotected: ${real} is a symbolic link`)
    unlinkSync(real)
    renameSync(elsewhere, real)
    symlinkSync('/etc/hostname', join(real, 'name.json'))
    expect(wrong(only())).toMatch(/^plugin-unprotected: .*name\.json is a symbolic link/)
  })

  it('through a link above the home only when its folders are protected as well', () => {
    written()
    const behind = join(folder.home, 'open/inner')
    mkdirSync(behind, { recursive: true })
    symlinkSync(folder.home, join(behind, 'link'))
    const through = join(behind, 'link/contrib/acme')
    expect(wrong(pluginAt(through))).toBe('')
    chmodSync(join(folder.home, 'open'), 0o777)
    expect(wrong(pluginAt(through))).toMatch(/^plugin-unprotected: .*\/open can be written by others/)
  })

  it.runIf(process.getuid?.() === 0)('not when it belongs to somebody else', () => {
    const real = written()
    lchownSync(join(real, 'index.mjs'), 12_345, 12_345)
    expect(wrong(only())).toMatch(/^plugin-unprotected: .*index\.mjs belongs to uid 12345, not to you/)
    lchownSync(join(real, 'index.mjs'), 0, 0)
    lchownSync(join(folder.home, 'contrib'), 12_345, 12_345)
    expect(wrong(only())).toMatch(/^plugin-unprotected: .*contrib belongs to uid 12345, not to you/)
  })

  it('and imports its own files and modules of Node', () => {
    folder.plugin(
      'acme',
      `import lock from './lib/lock.json' with { type: 'json' }
       import { basename } from 'node:path'
       import { two } from './lib/two.mjs'
       export default [lock.one, two, basename('/a/three')]`,
    )
    folder.write('contrib/acme/lib/lock.json', '{"one":1}')
    folder.write('contrib/acme/lib/two.mjs', 'export const two = 2')
    expect(loaded()).toEqual({ exported: [1, 2, 'three'] })
  })

  it.each([
    ['a package of a folder above', "import 'evil'"],
    ['a file beside its folder', "import '../../outside.mjs'"],
    ['an absolute file', "import '/etc/hostname'"],
    ['what a URL holds', "import 'data:text/javascript,globalThis.evil=1'"],
    [
      'a package by `require`',
      "import { createRequire } from 'node:module'\ncreateRequire(import.meta.url)('evil')",
    ],
  ])('and never %s', (_what, line) => {
    const evil = 'globalThis.pluginRanEvil = true\n'
    folder.write('node_modules/evil/index.js', evil)
    folder.write('contrib/node_modules/evil/index.js', evil)
    folder.write('outside.mjs', evil)
    folder.plugin('acme', `${line}\nexport default 1`)
    expect(wrong(findPlugins(folder.home).find(({ name }) => name === 'acme') ?? {})).toBe('')
    const found = pluginAt(join(folder.home, 'contrib/acme'))
    expect(wrong(isBroken(found) ? found : loadPlugin(found))).toMatch(
      /^plugin-module: .*imports `.*`, which is no file of its folder/,
    )
    expect(globalThis).not.toHaveProperty('pluginRanEvil')
  })

  it('and does not wait at its top', () => {
    folder.plugin('acme', 'export default await 1')
    expect(wrong(loaded())).toMatch(/^plugin-module: .*it waits at its top/)
  })

  it('and has a default export', () => {
    folder.plugin('acme', 'export const other = 1')
    expect(wrong(loaded())).toMatch(/^plugin-module: .*has no default export$/)
  })
})

describe('[SPP-13] the program, started in a folder that somebody else filled', () => {
  const ran = (): string => join(folder.home, 'ran')
  const code = (): string => `require('node:fs').writeFileSync(${JSON.stringify(ran())}, __filename)`
  const project = (): string => join(folder.home, 'project')
  const inProject = (path: string, text: string): string => folder.write(`project/${path}`, text)

  /** Its exit code and words; throws when anything of the folder ran. */
  function started(words: readonly string[], env: Readonly<Record<string, string>> = {}): string {
    const own = join(folder.home, 'own')
    mkdirSync(own, { recursive: true, mode: 0o700 })
    const { status, stdout, stderr } = spawnSync(PROGRAM, words, {
      cwd: project(),
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', HOME: folder.home, BOT_BOTTLE_HOME: own, ...env },
    })
    expect(existsSync(ran()) ? `${stdout}${stderr}: something of the folder ran` : '').toBe('')
    return `${status}: ${stdout}${stderr}`
  }

  const MANIFEST = 'version: 1\nstack: acme\nbottles: { dev: { agent_provider: { template: acme } } }\n'

  it('runs no plug-in of it, and knows none', () => {
    inProject('contrib/acme/plugin.yaml', JSON.stringify(ACME))
    inProject(
      'contrib/acme/index.mjs',
      `import fs from 'node:fs'; fs.writeFileSync(${JSON.stringify(ran())}, '')`,
    )
    inProject('.bot-bottle/contrib/acme/plugin.yaml', JSON.stringify(ACME))
    inProject(
      '.bot-bottle/contrib/acme/index.mjs',
      `import fs from 'node:fs'; fs.writeFileSync(${JSON.stringify(ran())}, '')`,
    )
    inProject('bottles.yaml', MANIFEST)
    expect(started(['plugins'])).toMatch(/^0: no plug-ins in .*\/own\/contrib/)
    expect(started(['plugins', 'check', 'acme'])).toMatch(/^2: .*there is no plug-in `acme`/s)
    expect(started(['validate'])).toMatch(/^2: .*there is no provider `acme`/s)
  })

  it('is not led by what the environment names', () => {
    const evil = inProject('evil.cjs', code())
    inProject('node_modules/yaml/index.js', code())
    inProject('bottles.yaml', MANIFEST)
    for (const env of [{ NODE_OPTIONS: `--require=${evil}` }, { NODE_PATH: join(project(), 'node_modules') }])
      expect(started(['validate'], env)).toMatch(/^2: .*there is no provider `acme`/s)
  })

  it('is not led by packages and settings of the folder', () => {
    for (const name of ['yaml', 'execa', 'commander', 'dockerode', 'bot-bottle'])
      inProject(`node_modules/${name}/index.js`, code())
    inProject('package.json', JSON.stringify({ type: 'commonjs', imports: { '#x': './evil.cjs' } }))
    inProject('.npmrc', `node-options=--require=${inProject('evil.cjs', code())}\n`)
    inProject('bottles.yaml', MANIFEST)
    expect(started(['validate'])).toMatch(/^2: .*there is no provider `acme`/s)
    expect(started(['plugins'])).toMatch(/^0: no plug-ins/)
  })

  it('is not led by programs of the folder, wherever PATH has it', () => {
    for (const name of ['docker', 'git', 'node', 'find', 'readlink', 'ssh', 'npm']) {
      const file = join(project(), name)
      inProject(name, '')
      writeFileSync(file, `#!/bin/sh\necho "$0" > ${ran()}\nexit 3\n`)
      chmodSync(file, 0o755)
    }
    inProject('bottles.yaml', MANIFEST)
    const rest = process.env['PATH'] ?? ''
    for (const PATH of [`.:${rest}`, `:${rest}`, `${rest.split(':')[0]}::${rest}`, `project/..:./:${rest}`]) {
      expect(started(['validate'], { PATH })).toMatch(/^2: .*there is no provider `acme`/s)
      expect(started(['doctor'], { PATH, DOCKER_HOST: 'unix:///nonexistent/docker.sock' })).toMatch(/^1: /)
    }
  })
})
