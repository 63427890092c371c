/** The agent's own terminal. Its bytes pass unchanged: what it prints is shown as it is. */
import { DriverError } from '../../model/errors.ts'
import { withBottle } from '../stack/bottle.ts'
import type { OpenBottle } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { asProgram } from '../program/program-exit.ts'
import { attachProgram, programState } from '../program/program.ts'
import { bind, windowOf } from '../terminal/terminal.ts'

export async function run(invocation: Invocation): Promise<number> {
  return asProgram(invocation, async () => {
    return withBottle(invocation, invocation.args[0] ?? '', async (bottle) => {
      const state = await programState(bottle)
      if (state === 'running') return attach(invocation, bottle)
      throw new DriverError(`no agent runs in bottle ${bottle.name} (${state})`, {
        code: 'no-agent',
        hint: `bot-bottle run ${bottle.name}`,
      })
    })
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
