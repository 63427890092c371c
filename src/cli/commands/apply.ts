/** Makes live state what the manifest says, or carries out a saved plan. */
import { resolve } from 'node:path'
import { UsageError } from '../../model/errors.ts'
import { carryOut } from '../apply/carry-out.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { requireSupported } from '../stack/load.ts'
import { planOptions } from '../apply/planning.ts'
import { digestsOf, readSavedPlan, requireFresh } from '../apply/saved-plan.ts'
import { homeOf } from '../stack/home-of.ts'
import { openStack, selectedBottles } from '../stack/stack.ts'

export async function run(invocation: Invocation): Promise<number> {
  const saved = invocation.options.text('plan')
  if (saved !== undefined) return applySaved(saved, invocation)
  const stack = await openStack(invocation)
  const { loaded } = stack
  if (!loaded) throw new UsageError('apply needs a manifest', { code: 'no-manifest' })
  requireSupported(loaded)
  const { desired } = loaded
  return carryOut(invocation, stack, {
    desired,
    options: planOptions(invocation.options, selectedBottles(invocation.args, desired.bottles)),
  })
}

async function applySaved(path: string, invocation: Invocation): Promise<number> {
  const { args, options } = invocation
  if (args.length > 0 || options.list('file').length > 0 || options.list('set').length > 0) {
    throw new UsageError('--plan carries out what was saved; bottles, -f and --set were chosen then', {
      code: 'bad-option',
    })
  }
  const home = homeOf(invocation)
  const saved = await readSavedPlan(resolve(invocation.io.cwd, path), home)
  const { files, sets, driver } = saved.source
  if (files.includes('-'))
    throw new UsageError('a plan made from standard input cannot be read again', {
      code: 'plan-unreadable',
      hint: 'save it from a file',
    })
  const asSaved = {
    ...invocation,
    options: options.with({ file: files, set: sets, ...(driver !== undefined && { driver }) }),
  }
  const stack = await openStack(asSaved)
  const { loaded } = stack
  if (!loaded) throw new UsageError('the manifest of the saved plan is gone', { code: 'no-manifest' })
  requireSupported(loaded)
  return carryOut(asSaved, stack, {
    desired: loaded.desired,
    options: { ...saved.options, program: planOptions(options, undefined).program },
    agreed: true,
    check: (plan) => requireFresh(saved, plan, digestsOf(loaded)),
  })
}
