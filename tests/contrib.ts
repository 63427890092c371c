/** The plug-ins of `contrib`, as whoever copies one has them. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export const CONTRIB = join(import.meta.dirname, '../contrib')

/** What the module of one exports. */
export async function exportOf(name: string): Promise<unknown> {
  const module: { readonly default: unknown } = await import(
    pathToFileURL(join(CONTRIB, name, 'index.mjs')).href
  )
  return module.default
}
