import { EXIT } from '../../model/errors.ts'
import { safeJson } from '../../render/safe-json.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { VERSION } from '../version.ts'

export async function run({ options, output }: Invocation): Promise<number> {
  const json = options.text('output') === 'json'
  output.result([
    json
      ? safeJson({
          version: VERSION,
          node: process.versions.node,
          platform: `${process.platform}-${process.arch}`,
        })
      : `bot-bottle ${VERSION}`,
  ])
  return EXIT.done
}
