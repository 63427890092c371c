/** Plug-ins in a folder of their own, as a user lays them into `contrib`. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findPlugins } from '../../../src/plugins/find.ts'
import type { BrokenPlugin, Plugin } from '../../../src/plugins/plugin.ts'

export const MANIFEST = {
  api: 1,
  name: 'acme',
  version: '1.0.0',
  kind: 'provider',
  module: './index.mjs',
} as const

export function openHomeFolder() {
  const home = mkdtempSync(join(tmpdir(), 'bb-plugins-'))
  const write = (path: string, text: string): string => {
    const file = join(home, path)
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, text, { mode: 0o644 })
    // Whatever the umask.
    chmodSync(file, 0o644)
    return file
  }
  return {
    home,
    write,
    /** Its folder. */
    plugin(name: string, module: string, manifest: object = {}): string {
      write(`contrib/${name}/plugin.yaml`, JSON.stringify({ ...MANIFEST, name, ...manifest }))
      return dirname(write(`contrib/${name}/index.mjs`, module))
    },
    close: () => rmSync(home, { recursive: true, force: true }),
  }
}

/** The one plug-in that is there. */
export function onlyIn(home: string): Plugin | BrokenPlugin {
  const [found, ...more] = findPlugins(home)
  if (!found || more.length > 0) throw new Error('there is not one plug-in')
  return found
}

/** Code and message of the first thing that is wrong, `''` when nothing is. */
export function wrong(found: object | BrokenPlugin): string {
  if (!('diagnostics' in found)) return ''
  const [first] = found.diagnostics
  return `${first?.code}: ${first?.message}`
}
