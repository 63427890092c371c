/** Starts a bottle's agent here, or attaches to it; brings the bottle in sync first, as `apply` would. */
import { EXIT } from '../../model/errors.ts'
import { bringInSync } from '../bring-in-sync.ts'
import { openBottle } from '../bottle.ts'
import { ownProgram, programState, startProgram } from '../program.ts'
import type { Invocation } from '../invocation.ts'
import { asProgram } from '../program-exit.ts'
import { windowOf } from '../terminal.ts'
import { attach } from './attach.ts'

export async function run(invocation: Invocation): Promise<number> {
  return asProgram(invocation, async () => {
    const { args, output, io } = invocation
    const [name = '', ...rest] = args
    const extra = rest[0] === '--' ? rest.slice(1) : rest
    const synced = await bringInSync({ ...invocation, args: [name] })
    if (synced !== EXIT.done) return synced
    const bottle = await openBottle(invocation, name)
    if ((await programState(bottle)) === 'running') {
      output.note([
        `${bottle.name}: its agent runs already; attached${extra.length > 0 ? ', the arguments are not used' : ''}`,
      ])
      return attach(invocation, bottle)
    }
    const window = windowOf(io)
    await startProgram(bottle, {
      ...(await ownProgram(bottle, bottle.resources, extra)),
      env: window ? { TERM: io.env['TERM'] ?? 'xterm' } : {},
      ...(window && { tty: window }),
    })
    return attach(invocation, bottle)
  })
}
