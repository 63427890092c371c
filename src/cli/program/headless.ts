/**
 * One task without a terminal: the agent program gets the prompt, its output passes through, and its own exit code is
 * the answer. Its output stands in `logs` as well, and it goes on when this connection is lost.
 */
import { DriverError, UsageError } from '../../model/errors.ts'
import type { DeclaredBottle } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { attachProgram, headlessProgram, programState, startProgram, stopProgram } from './program.ts'
import { agentEvents } from './agent-events.ts'
import { formOf } from '../terminal/report.ts'
import { bind } from '../terminal/terminal.ts'

/** As `timeout` of coreutils reports it. */
export const TIMED_OUT = 124

/** Seconds that the program has to end by itself once its time is over. */
const GRACE = 10

export async function headless(
  invocation: Invocation,
  bottle: DeclaredBottle,
  extra: readonly string[],
): Promise<number> {
  const { options, io, output } = invocation
  const { provided, name } = bottle
  if (!provided)
    throw new UsageError(`bottle ${name} has no \`agent_provider\`, which would know how a prompt is given`, {
      code: 'bad-option',
      hint: `bot-bottle run ${name} -- ARG…, or bot-bottle exec ${name} COMMAND`,
    })
  if ((await programState(bottle)) === 'running')
    throw new DriverError(`the agent of bottle ${name} runs already`, {
      code: 'agent-runs',
      hint: `bot-bottle attach ${name}`,
    })
  const task = { prompt: options.text('prompt') ?? '', events: formOf(invocation) === 'events' }
  await startProgram(bottle, { ...headlessProgram(provided, bottle, task, extra), env: {} })
  const events = task.events ? agentEvents(bottle, output, io.now) : undefined
  const execution = await attachProgram(bottle, { replay: true, stdin: true })
  const seconds = options.number('timeout')
  let late: Promise<void> | undefined
  const timer =
    seconds === undefined
      ? undefined
      : setTimeout(() => void (late = stopProgram(bottle, GRACE)), seconds * 1000)
  try {
    const code = await bind(execution, { io: { ...io, ...events }, tty: false, stdin: false })
    await late
    if (late) output.note([`${name}: its agent was ended after ${seconds} s`])
    const ended = late ? TIMED_OUT : code
    await events?.ended(ended)
    return ended
  } finally {
    clearTimeout(timer)
  }
}
