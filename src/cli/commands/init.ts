/** Writes a first manifest with comments, never over one that is there, and beside it the schema for editors. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { EXIT, RefusedError, UsageError } from '../../model/errors.ts'
import { initialManifest } from '../../manifest/init.ts'
import { isName } from '../../model/names.ts'
import { BUILT_IN_PROVIDERS } from '../../providers/registry.ts'
import { safeText } from '../../model/text.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { packageFile } from '../package-file.ts'

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
  const stack = options.text('stack') ?? stackName(basename(folder))
  if (!isName(stack)) throw new UsageError(`\`${stack}\` is no name of a stack`, { code: 'bad-name' })
  const { names: providers } = BUILT_IN_PROVIDERS
  await writeFile(path, initialManifest({ stack, bottle: 'implementer', providers }), { flag: 'wx' })
  await writeSchema(folder)
  const there = args[0] === undefined ? '' : `cd ${relative(io.cwd, folder) || '.'}, `
  output.result([
    `${safeText(relative(io.cwd, path))} is written. Next: ${safeText(there)}edit it, then \`bot-bottle diff\` and \`bot-bottle apply\`.`,
  ])
  return EXIT.done
}

/** Where the first line of the manifest looks for it. In a home folder the same folder holds the state: it stays closed. */
async function writeSchema(folder: string): Promise<void> {
  await mkdir(join(folder, '.bot-bottle'), { recursive: true, mode: 0o700 })
  await writeFile(
    join(folder, '.bot-bottle/manifest.v1.json'),
    await readFile(packageFile('schema/manifest.v1.json'), 'utf8'),
  )
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
