/** The bottles of a stack and how they are; without a manifest and `--stack`, the stacks of this installation. */
import { EXIT } from '../../model/errors.ts'
import { safeText } from '../../model/text.ts'
import { statusLines } from '../../render/status.ts'
import { count } from '../../render/words.ts'
import { safeJson } from '../../render/safe-json.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { planOptions } from '../apply/planning.ts'
import { placeOf } from '../stack/place.ts'
import { openStackOrNone, selectedBottles } from '../stack/stack.ts'
import { stackStatus } from '../stack/stack-status.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, output } = invocation
  const stack = await openStackOrNone(invocation)
  if (!stack) return listStacks(invocation)
  const status = await stackStatus(stack, planOptions(options, undefined), invocation)
  const chosen = selectedBottles(
    args,
    status.bottles.map(({ bottle }) => bottle),
  )
  const shown = chosen
    ? { ...status, bottles: status.bottles.filter(({ bottle }) => chosen.includes(bottle)) }
    : status
  output.result(
    options.text('output') === 'json'
      ? safeJson({ version: 1, ...shown }, 2).split('\n')
      : statusLines(shown, output.style, chosen !== undefined),
  )
  return EXIT.done
}

async function listStacks(invocation: Invocation): Promise<number> {
  const { options, output } = invocation
  const { driver } = await placeOf(invocation)
  const stacks = await driver.stacks()
  if (options.text('output') === 'json') output.result([safeJson({ version: 1, stacks })])
  else if (stacks.length === 0)
    output.result(['no stack is live here, and there is no manifest in this folder'])
  else
    output.result([
      `no manifest in this folder; ${count(stacks.length, 'stack is', 'stacks are')} live here:`,
      ...stacks.map((name) => `  bot-bottle status --stack ${safeText(name)}`),
    ])
  return EXIT.done
}
