/** Files of the package beside the program: sources two folders below its root, the bundle one. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

export function packageFile(path: string): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return join(folder, path)
  }
  return path
}
