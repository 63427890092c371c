/** Starts the agent of a bottle on this terminal and stays with it; one that runs already is attached to. */
import type { Resource } from '../../model/resource.ts'
import { attach } from '../commands/attach.ts'
import type { DeclaredBottle } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { ownProgram, programState, startProgram, type providerProgram } from './program.ts'
import { windowOf } from '../terminal/terminal.ts'

/** `program`: how its provider is started. Its exit code. */
export async function startHere(
  invocation: Invocation,
  bottle: DeclaredBottle & { readonly resources: readonly Resource[] },
  extra: readonly string[],
  program: typeof providerProgram,
): Promise<number> {
  const { output, io } = invocation
  if ((await programState(bottle)) === 'running') {
    output.note([
      `${bottle.name}: its agent runs already; attached${extra.length > 0 ? ', the arguments are not used' : ''}`,
    ])
    return attach(invocation, bottle)
  }
  const window = windowOf(io)
  await startProgram(bottle, {
    ...(bottle.provided
      ? program(bottle.provided, bottle, extra)
      : await ownProgram(bottle, bottle.resources, extra)),
    env: window ? { TERM: io.env['TERM'] ?? 'xterm' } : {},
    ...(window && { tty: window }),
  })
  return attach(invocation, bottle)
}
