/** Prints a published schema as it lies in the package. */
import { readFile } from 'node:fs/promises'
import { EXIT, UsageError } from '../../model/errors.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { packageFile } from '../package-file.ts'

const SCHEMAS: ReadonlyMap<string, string> = new Map([
  ...['manifest', 'preset', 'plan', 'events', 'plugin', 'contribution'].map(
    (name) => [name, `schema/${name}.v1.json`] as const,
  ),
  ['plugin-types', 'schema/plugin.v1.d.ts'],
])

export async function run({ args, output }: Invocation): Promise<number> {
  const name = args[0] ?? 'manifest'
  const file = SCHEMAS.get(name)
  if (file === undefined)
    throw new UsageError(`there is no schema \`${name}\``, {
      code: 'unknown-schema',
      hint: [...SCHEMAS.keys()].join(', '),
    })
  const text = await readFile(packageFile(file), 'utf8')
  output.result(text.trimEnd().split('\n'))
  return EXIT.done
}
