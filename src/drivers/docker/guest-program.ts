/**
 * The agent program where an action of the guest concerns it: ended before its environment changes and begun again
 * after it, or started because its task is declared. Init holds it, and starts it again where it is to.
 */
import type { Action } from '../../model/plan.ts'
import type { AgentProgram } from '../../ports/materials.ts'
import type { Engine } from './calls.ts'
import { callInit, startRequest, stopProgram } from './guest-helper.ts'

export interface FoundProgram {
  /** `running`: also one that has ended and that init is about to start again. */
  readonly state: 'idle' | 'running' | 'exited'
  /** An action ended it, and failed before it was begun again. */
  readonly isDue: boolean
  readonly tty: boolean
}

/** Seconds that it has to end by itself. */
const GRACE = 10
/** Of a terminal that nobody looks at yet: whoever attaches says how large it is. */
const WINDOW = { rows: 24, columns: 80 }

/** What was found; it has ended where the action says that the agent restarts. */
export async function endBefore(
  engine: Engine,
  containerId: string,
  { impact }: Pick<Action, 'impact'>,
): Promise<FoundProgram> {
  const status = await callInit(engine, containerId, { op: 'status' })
  const state = status['pausing'] === true ? 'running' : status['state']
  const found: FoundProgram = {
    state: state === 'running' || state === 'exited' ? state : 'idle',
    isDue: status['due'] === true,
    tty: status['tty'] === true,
  }
  if (impact === 'restart-agent' && found.state === 'running')
    await stopProgram(engine, containerId, GRACE, true)
  return found
}

/** A task that was ended to be begun again, and was not; `keptUp`: or that was not begun since init was. */
export async function isNotBegun(engine: Engine, containerId: string, keptUp: boolean): Promise<boolean> {
  const { state, due } = await callInit(engine, containerId, { op: 'status' })
  return due === true || (keptUp && state === 'idle')
}

export type Beginning =
  | { readonly begin: 'task'; readonly argv: readonly string[] }
  | { readonly begin: 'resume'; readonly argv: readonly string[]; readonly instead: readonly string[] }
  | { readonly begin: 'nothing'; readonly words?: string }

/** Pure: what is begun behind the action. */
export function beginningOf(
  { impact, differences, bottle = '' }: Pick<Action, 'impact' | 'differences' | 'bottle'>,
  program: AgentProgram | undefined,
  found: FoundProgram,
): Beginning {
  const ended = found.isDue || (impact === 'restart-agent' && found.state === 'running')
  const task = program?.headless
  if (task) {
    const isNew = differences.some(({ path }) => path.startsWith('headless'))
    return ended || found.state === 'idle' || (isNew && found.state === 'exited')
      ? { begin: 'task', argv: task.argv }
      : { begin: 'nothing' }
  }
  if (!ended) return { begin: 'nothing' }
  return program && found.tty
    ? { begin: 'resume', argv: program.resume, instead: program.start }
    : { begin: 'nothing', words: `its agent was ended; bot-bottle run ${bottle}` }
}

/** Words on what became of it, where there is something to say. */
export async function beginAfter(
  engine: Engine,
  containerId: string,
  action: Action,
  given: {
    readonly program: AgentProgram | undefined
    readonly found: FoundProgram
    readonly environment: Readonly<Record<string, string>>
  },
): Promise<string | undefined> {
  const beginning = beginningOf(action, given.program, given.found)
  const restart = given.program?.headless?.restart ?? false
  if (beginning.begin === 'nothing') {
    const changes = action.differences.some(({ path }) => path === 'onExit' || path.startsWith('headless'))
    if (changes) await callInit(engine, containerId, { op: 'restart', restart })
    // Nobody means to begin it any more.
    if (beginning.words !== undefined) await callInit(engine, containerId, { op: 'stop' })
    return beginning.words
  }
  const started = { argv: beginning.argv, env: given.environment }
  await callInit(
    engine,
    containerId,
    beginning.begin === 'task'
      ? { ...startRequest(started), no_input: true, restart }
      : { ...startRequest({ ...started, tty: WINDOW }), instead: beginning.instead },
  )
  return beginning.begin === 'task' ? 'its agent has begun the task' : 'its agent goes on'
}
