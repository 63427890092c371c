/**
 * The plug-ins of the user: folders of `contrib` in the program's own home, and of no other place. Whoever looks runs
 * nothing of them. One that is broken is named, the rest goes on.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { leftOut } from './left-out.ts'
import { readPlugin } from './manifest.ts'
import type { BrokenPlugin, Plugin } from './plugin.ts'
import { unprotectedTree, unprotectedWay, type Unprotected } from './protection.ts'

export const pluginsFolder = (home: string): string => join(home, 'contrib')

/** Sorted by name. `home` is the program's own folder. */
export function findPlugins(home: string): readonly (Plugin | BrokenPlugin)[] {
  const folder = pluginsFolder(home)
  try {
    return namesIn(folder).map((name) => pluginAt(join(folder, name)))
  } catch (cause) {
    return [unreadable(folder, cause)]
  }
}

/** `folder`: absolute. */
export function pluginAt(folder: string): Plugin | BrokenPlugin {
  const file = join(folder, 'plugin.yaml')
  try {
    const open = unprotectedWay(dirname(folder)) ?? unprotectedTree(folder)
    if (open) return unprotected(folder, open)
    return readPlugin({ file, path: file, folder, bytes: readFileSync(file) })
  } catch (cause) {
    return unreadable(folder, cause)
  }
}

function unreadable(folder: string, cause: unknown): BrokenPlugin {
  const { code = 'unknown error', path = folder } = cause as NodeJS.ErrnoException
  const [message, hint] =
    code === 'ENOENT'
      ? ([`there is no ${path}`, 'a plug-in has a `plugin.yaml` in its folder: docs/plugins.md'] as const)
      : ([`${path} cannot be read (${code})`, undefined] as const)
  return leftOut({ name: basename(folder), folder }, 'plugin-unreadable', message, hint)
}

function unprotected(folder: string, { path, reason, hint }: Unprotected): BrokenPlugin {
  return leftOut({ name: basename(folder), folder }, 'plugin-unprotected', `${path} ${reason}`, hint)
}

/** Folders and links; what is a file, or hidden, is no plug-in. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((found) => !found.isFile() && !found.name.startsWith('.'))
      .map(({ name }) => name)
      .sort()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
}
