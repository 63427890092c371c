/** `policy suggest`: the fewest manifest lines that would have allowed what egress of one bottle refused. */
import { createInterface } from 'node:readline'
import { EXIT, UsageError } from '../../model/errors.ts'
import { desiredPolicy } from '../../execute/routes.ts'
import { safeJson } from '../../render/safe-json.ts'
import { suggestionLines } from '../../render/suggestion.ts'
import { jsonLine, refusedOf } from '../egress/audit.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { noManifest } from '../stack/no-manifest.ts'
import { sinceTime } from '../grammar/since.ts'
import { openStack, selectedBottles } from '../stack/stack.ts'
import { suggestPolicy } from '../egress/suggest-policy.ts'
import type { Refused } from '../egress/suggest-policy.ts'
import { writtenIn } from '../egress/written-routes.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io, output } = invocation
  const [verb, bottle = ''] = args
  if (verb !== 'suggest')
    throw new UsageError(`there is no \`policy ${verb}\``, {
      code: 'unknown-command',
      hint: 'bot-bottle policy suggest BOTTLE',
    })
  const stack = await openStack(invocation)
  const { loaded } = stack
  if (!loaded) throw noManifest(invocation)
  selectedBottles([bottle], loaded.desired.bottles)
  const since = options.text('since')
  const stream = await stack.driver.logs(stack.name, bottle, 'egress', {
    follow: false,
    ...(since !== undefined && { since: sinceTime(since, io.now()) }),
  })
  const refusals: Refused[] = []
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    const row = jsonLine(line)
    const refused = row && refusedOf(row)
    if (refused) refusals.push(refused)
  }
  const { egress } = desiredPolicy(loaded.desired.resources, bottle)
  if (egress.log === 'none')
    output.note([
      `egress of ${bottle} logs nothing (\`egress.log: none\`): there may have been more refusals`,
    ])
  const suggested = suggestPolicy(bottle, refusals, egress, writtenIn(loaded, bottle))
  output.result(options.flag('json') ? safeJson(suggested, 2).split('\n') : suggestionLines(suggested))
  return EXIT.done
}
