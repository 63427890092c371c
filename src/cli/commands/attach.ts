/** The agent's own terminal. Its bytes pass unchanged: what it prints is shown as it is. */
import { openBottle } from '../bottle.ts'
import type { OpenBottle } from '../bottle.ts'
import type { Invocation } from '../invocation.ts'
import { OWN_FAILURE, asProgram } from '../program-exit.ts'
import { attachProgram, programState } from '../program.ts'
import { bind, windowOf } from '../terminal.ts'

export async function run(invocation: Invocation): Promise<number> {
  return asProgram(invocation, async () => {
    const bottle = await openBottle(invocation, invocation.args[0] ?? '')
    const state = await programState(bottle)
    if (state === 'running') return attach(invocation, bottle)
    invocation.output.note([
      `${bottle.name}: no agent runs (${state})`,
      `  hint: bot-bottle run ${bottle.name}`,
    ])
    return OWN_FAILURE
  })
}

/** Until the agent ends (its exit code) or the detach keys are typed (0). */
export async function attach({ io, options }: Invocation, bottle: OpenBottle): Promise<number> {
  const window = windowOf(io)
  const keys = options.text('detachKeys')
  const stdin = !options.off('stdin')
  const execution = await attachProgram(bottle, {
    ...(window && { tty: window }),
    replay: true,
    ...(keys !== undefined && { detachKeys: keys }),
    stdin,
  })
  return bind(execution, { io, tty: window !== undefined, stdin })
}
