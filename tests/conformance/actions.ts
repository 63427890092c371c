import type { Action, Verb } from '../../src/model/plan.ts'
import type { Observed, Resource } from '../../src/model/resource.ts'
import type { Execution } from '../../src/ports/program.ts'

/** An action as the plan would make it; `remove` has no desired value but what is to be removed. */
export function actionOn(
  desired: readonly Resource[],
  at: string,
  verb: Verb,
  over: Partial<Action> = {},
): Action {
  const resource = desired.find((candidate) => candidate.address === at)
  if (!resource) throw new Error(`${at} is not declared`)
  const { address, kind, driver, bottle } = resource
  const observed: Observed = { address, kind, driver, id: at, ownership: 'ours', fields: {}, health: 'ok' }
  return {
    verb,
    address,
    kind,
    driver,
    ...(bottle !== undefined && { bottle }),
    reason: 'conformance',
    cause: 'edit',
    impact: 'live',
    differences: [],
    after: [],
    phase: 'neutral',
    notes: [],
    ...(verb === 'remove' ? { observed } : { desired: resource }),
    ...over,
  }
}

export async function output({ stdout }: Execution): Promise<string> {
  let text = ''
  for await (const chunk of stdout) text += String(chunk)
  return text
}
