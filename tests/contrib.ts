/** The plug-ins of `contrib`, as whoever copies one has them. */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const CONTRIB = join(import.meta.dirname, '../contrib')

/** What the module of one exports. */
export async function exportOf(name: string): Promise<unknown> {
  const module: { readonly default: unknown } = await import(
    pathToFileURL(join(CONTRIB, name, 'index.mjs')).href
  )
  return module.default
}

/** Into the program's home, made where there is none; nobody else can write it, whatever the umask. `edit`: of the module. The folder of the plug-in. */
export function install(
  home: string,
  name: string,
  { edit = (text: string) => text, as = name }: { edit?: (text: string) => string; as?: string } = {},
): string {
  const folder = join(home, 'contrib', as)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  cpSync(join(CONTRIB, name), folder, { recursive: true })
  const module = join(folder, 'index.mjs')
  writeFileSync(module, edit(readFileSync(module, 'utf8')))
  const inside = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path))
  for (const path of [home, join(home, 'contrib'), folder, ...inside])
    chmodSync(path, statSync(path).mode & ~0o022)
  return folder
}
