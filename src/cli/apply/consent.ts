/** Consent to a plan that disturbs: asked on a terminal, `--yes` or a saved plan without one. Silence is no. */
import { RefusedError } from '../../model/errors.ts'
import type { Plan } from '../../model/plan.ts'
import { countsOf, restartWords } from '../../render/counts.ts'
import { canAsk, confirm } from '../terminal/ask.ts'
import type { Invocation } from '../grammar/invocation.ts'

export async function requireConsent(plan: Plan, invocation: Invocation): Promise<void> {
  if (!plan.disturbs || invocation.options.flag('yes')) return
  const what = restartWords(plan)
  if (!canAsk(invocation)) {
    throw new RefusedError(`this disturbs what is alive (${what}) and there is no terminal to ask on`, {
      code: 'consent-missing',
      hint:
        invocation.command === 'apply'
          ? 'pass --yes, or save the plan with `bot-bottle diff --out plan.json` and run `bot-bottle apply --plan plan.json`'
          : 'pass --yes',
    })
  }
  const { remove, replace } = countsOf(plan.actions)
  if (await confirm(invocation, `Go on? ${what}${remove + replace > 0 ? '' : ', nothing is removed'}`)) return
  throw new RefusedError('not confirmed, nothing was done', { code: 'consent-missing' })
}
