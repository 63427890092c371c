/** Writes a first manifest with comments, never over one that is there. */
import { mkdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { EXIT, RefusedError } from '../../model/errors.ts'
import { initialManifest } from '../../manifest/init.ts'
import { isName } from '../../model/names.ts'
import { safeText } from '../../model/text.ts'
import type { Invocation } from '../invocation.ts'

export async function run({ args, options, io, output }: Invocation): Promise<number> {
  const folder = resolve(io.cwd, args[0] ?? '.')
  for (const name of ['bottles.yaml', 'bottles.yml']) {
    const path = join(folder, name)
    if (existsSync(path))
      throw new RefusedError(`${path} is there already`, {
        code: 'manifest-exists',
        hint: 'edit it; `bot-bottle validate` checks it',
      })
  }
  const path = join(folder, 'bottles.yaml')
  await mkdir(folder, { recursive: true })
  await writeFile(path, initialManifest({ stack: options.text('stack') ?? stackName(basename(folder)) }), {
    flag: 'wx',
  })
  const shown = relative(io.cwd, path)
  output.result([
    `${safeText(shown === '' ? path : shown)} is written. Next: edit it, then \`bot-bottle diff\` and \`bot-bottle apply\`.`,
  ])
  return EXIT.done
}

/** The folder's name as a name of a stack, as near as it goes. */
function stackName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .replace(/-+$/, '')
    .slice(0, 30)
    .replace(/-+$/, '')
  return isName(name) ? name : 'my-stack'
}
