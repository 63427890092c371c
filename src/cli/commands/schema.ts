/** Prints a published schema as it lies in the package. */
import { readFile } from 'node:fs/promises'
import { EXIT, UsageError } from '../../model/errors.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { packageFile } from '../package-file.ts'

const SCHEMAS = ['manifest', 'preset', 'plan', 'events'] as const

export async function run({ args, output }: Invocation): Promise<number> {
  const name = SCHEMAS.find((schema) => schema === (args[0] ?? 'manifest'))
  if (name === undefined)
    throw new UsageError(`there is no schema \`${args[0] ?? ''}\``, {
      code: 'unknown-schema',
      hint: SCHEMAS.join(', '),
    })
  const text = await readFile(packageFile(`schema/${name}.v1.json`), 'utf8')
  output.result(text.trimEnd().split('\n'))
  return EXIT.done
}
