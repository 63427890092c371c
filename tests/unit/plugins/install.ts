/** An example of `contrib`, as a user has it who copied it: nobody else can write it, whatever the umask here is. */
import { chmodSync, cpSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** `home` is the program's own folder, made where there is none. The folder of the plug-in. */
export function install(home: string, name: string): string {
  const contrib = join(home, 'contrib')
  mkdirSync(contrib, { recursive: true, mode: 0o700 })
  chmodSync(home, 0o700)
  cpSync(join(import.meta.dirname, '../../../contrib', name), join(contrib, name), { recursive: true })
  for (const path of readdirSync(contrib, { recursive: true, encoding: 'utf8' })) {
    const file = join(contrib, path)
    chmodSync(file, statSync(file).mode & ~0o022)
  }
  return join(contrib, name)
}
