/** What live state differs and why. Takes no lock, changes nothing, runs nothing from the manifest. */
import { EXIT, UsageError } from '../../model/errors.ts'
import { resolve } from 'node:path'
import { warningLines } from '../../render/diagnostics.ts'
import { markdownPlan } from '../../render/markdown.ts'
import { jsonPlan } from '../../render/plan-document.ts'
import { prettyPlan } from '../../render/pretty-plan.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { requireSupported } from '../stack/load.ts'
import { driftOnly, planNow, planOptions } from '../apply/planning.ts'
import { SAVED_PLAN_VERSION, savePlan, sourceOf } from '../apply/saved-plan.ts'
import { settingsOf } from '../stack/settings.ts'
import { openStack, selectedBottles } from '../stack/stack.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { options, output, io, args } = invocation
  const out = options.text('out')
  if (out !== undefined && options.flag('drift'))
    throw new UsageError('--out saves the whole plan and cannot be combined with --drift', {
      code: 'bad-option',
    })
  const stack = await openStack(invocation)
  const { loaded } = stack
  if (!loaded) throw new UsageError('diff needs a manifest', { code: 'no-manifest' })
  requireSupported(loaded)
  const made = planOptions(options, selectedBottles(args, loaded.desired.bottles))
  const { plan } = await planNow(stack, loaded.desired, made, invocation)
  if (out !== undefined) {
    const { program: _, ...kept } = made
    savePlan(
      resolve(io.cwd, out),
      {
        kind: 'bot-bottle-plan',
        version: SAVED_PLAN_VERSION,
        savedAt: new Date(io.now()).toISOString(),
        source: sourceOf(settingsOf(invocation), loaded, io),
        options: kept,
        plan,
      },
      stack.home,
    )
  }
  const shown = options.flag('drift') ? driftOnly(plan) : plan
  const form = options.text('output') ?? 'pretty'
  if (form === 'json') output.result(jsonPlan(shown))
  else if (form === 'markdown') output.result(markdownPlan(shown))
  else {
    output.note(warningLines(shown.warnings, output.noteStyle))
    output.result(
      prettyPlan(shown, output.style, {
        full: options.flag('full'),
        advice: !options.flag('drift'),
        ...(out !== undefined && { saved: out }),
      }),
    )
  }
  return shown.actions.length === 0 ? EXIT.done : EXIT.differences
}
