/**
 * Runs the module of a plug-in and hands out its default export, which nobody has looked at yet. A module imports
 * files of its own folder and modules of Node: what lies in `node_modules` of some folder above was checked by nobody.
 */
import { realpathSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { safeText } from '../model/text.ts'
import { leftOut } from './left-out.ts'
import type { BrokenPlugin, Plugin } from './plugin.ts'

/** At once: planning waits for nothing. So a module has no `await` at its top. */
export function loadPlugin(plugin: Plugin): { readonly exported: unknown } | BrokenPlugin {
  // As Node names modules: without the links on the way.
  const folder = realpathSync(plugin.folder)
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      if (isOwn(found.url, folder)) return found
      throw new ForeignImport(
        `it imports \`${specifier}\`, which is no file of its folder and no module of Node`,
      )
    },
  })
  try {
    const module: unknown = createRequire(import.meta.url)(plugin.module)
    if (typeof module === 'object' && module !== null && 'default' in module)
      return { exported: module.default }
    return leftOut(plugin, 'plugin-module', `${plugin.module} has no default export`)
  } catch (thrown) {
    return leftOut(plugin, 'plugin-module', `${plugin.module} cannot be loaded: ${reasonOf(thrown)}`)
  } finally {
    hooks.deregister()
  }
}

class ForeignImport extends Error {}

const isOwn = (url: string, folder: string): boolean =>
  url.startsWith('node:') || (url.startsWith('file:') && fileURLToPath(url).startsWith(`${folder}${sep}`))

function reasonOf(thrown: unknown): string {
  if ((thrown as NodeJS.ErrnoException | undefined)?.code === 'ERR_REQUIRE_ASYNC_MODULE')
    return 'it waits at its top (`await`), which a plug-in does not'
  return safeText(thrown instanceof Error ? thrown.message : String(thrown), 300)
}
