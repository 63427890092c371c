/**
 * Runs a graph of steps, each as soon as what it waits for has ended well, a bounded number at once. Edges carry
 * outcomes: behind a failure everything is skipped with the root cause, the rest goes on (architecture.md, Core rules 7).
 */
import type PQueue from 'p-queue'

export interface Step {
  readonly id: string
  /** Ids of steps that must have ended `done`. */
  readonly after: ReadonlySet<string>
}

export type Ended = { readonly outcome: 'done' | 'failed' | 'interrupted' }
/** `because` is the id of the step that failed first. */
export type Verdict = Ended | { readonly outcome: 'skipped'; readonly because: string }

export interface ScheduleOptions<S extends Step> {
  /** Never rejects. */
  readonly run: (step: S) => Promise<Ended['outcome']>
  /** Told of each step that never started. */
  readonly passedOver: (step: S, verdict: Verdict) => void
  /** Asked before each start. */
  readonly isStopped: () => boolean
  readonly queueFor: (step: S) => PQueue
}

export async function schedule<S extends Step>(
  steps: readonly S[],
  options: ScheduleOptions<S>,
): Promise<ReadonlyMap<string, Verdict>> {
  assertAcyclic(steps)
  const verdicts = new Map<string, Verdict>()
  const running = new Map<string, Promise<Verdict>>()
  const byId = new Map(steps.map((step) => [step.id, step]))
  const settle = (id: string): Promise<Verdict> => {
    const known = running.get(id)
    if (known) return known
    const step = byId.get(id)
    const verdict = step ? verdictOf(step, settle, options) : Promise.resolve({ outcome: 'done' } as const)
    running.set(id, verdict)
    return verdict
  }
  await Promise.all(steps.map(async (step) => verdicts.set(step.id, await settle(step.id))))
  return verdicts
}

async function verdictOf<S extends Step>(
  step: S,
  settle: (id: string) => Promise<Verdict>,
  options: ScheduleOptions<S>,
): Promise<Verdict> {
  const before = await Promise.all(
    [...step.after].map(async (id) => ({ id, verdict: await settle(id) }) as const),
  )
  const verdict = hindrance(before)
  if (verdict) {
    options.passedOver(step, verdict)
    return verdict
  }
  return options.queueFor(step).add(async (): Promise<Verdict> => {
    if (!options.isStopped()) return { outcome: await options.run(step) }
    options.passedOver(step, { outcome: 'interrupted' })
    return { outcome: 'interrupted' }
  })
}

/** A failure weighs more than an interruption: it is what has to be mended. */
function hindrance(
  before: readonly { readonly id: string; readonly verdict: Verdict }[],
): Verdict | undefined {
  const ranked = [...before].sort((a, b) => (a.id < b.id ? -1 : 1))
  for (const { id, verdict } of ranked) {
    if (verdict.outcome === 'failed') return { outcome: 'skipped', because: id }
    if (verdict.outcome === 'skipped') return verdict
  }
  return ranked.some(({ verdict }) => verdict.outcome === 'interrupted')
    ? { outcome: 'interrupted' }
    : undefined
}

/** Checked before anything runs: a cycle would wait for itself for ever. */
function assertAcyclic(steps: readonly Step[]): void {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const state = new Map<string, 'open' | 'closed'>()
  const visit = (id: string, path: readonly string[]): void => {
    if (state.get(id) === 'closed') return
    if (state.get(id) === 'open') throw new Error(`steps wait for each other: ${[...path, id].join(' → ')}`)
    state.set(id, 'open')
    for (const next of byId.get(id)?.after ?? []) visit(next, [...path, id])
    state.set(id, 'closed')
  }
  for (const step of steps) visit(step.id, [])
}
