/** Runs something while the stack's lock is held; says who holds it while it waits. */
import { setImmediate as immediate } from 'node:timers/promises'
import { BottleError, EXIT } from '../../model/errors.ts'
import type { Lease } from '../../ports/driver.ts'
import { acquire } from '../../state/lock.ts'
import { safeText } from '../../model/text.ts'
import { canAsk } from '../terminal/ask.ts'
import type { Invocation } from '../grammar/invocation.ts'
import type { Stack } from './stack.ts'

/** Seconds to wait on a terminal; without one a second run fails at once, so that a pipeline never hangs. */
const WAIT_ON_TERMINAL = 60

export async function withLock<T>(
  invocation: Invocation,
  stack: Stack,
  body: (lease: Lease) => Promise<T>,
): Promise<T> {
  const { command, options, output, io } = invocation
  const waiting = new AbortController()
  const undo = (['SIGINT', 'SIGTERM'] as const).map((signal) => io.onSignal(signal, () => waiting.abort()))
  const lock = await acquire({
    home: stack.home,
    engineId: await stack.driver.engineId(),
    stack: stack.name,
    command,
    timeoutMs: (options.number('lockTimeout') ?? (canAsk(invocation) ? WAIT_ON_TERMINAL : 0)) * 1000,
    onWait: (holder) =>
      output.note([
        `waiting for ${holder ? safeText(`${holder.command} (pid ${holder.pid} on ${holder.host}, since ${holder.since})`) : 'another run'}`,
      ]),
    signal: waiting.signal,
  })
    .catch((error: unknown) => {
      throw waiting.signal.aborted ? interrupted() : error
    })
    .finally(async () => {
      // A signal that is on its way is dispatched when the event loop polls again, which it does before the second of
      // these; without a listener by then it would be lost.
      await immediate()
      await immediate()
      for (const step of undo) step()
    })
  try {
    // Heard while the lock was on its way: nothing was begun.
    if (waiting.signal.aborted) throw interrupted()
    return await body(lock.lease)
  } finally {
    lock.release()
  }
}

export function interrupted(): BottleError {
  return new BottleError(EXIT.interrupted, 'interrupted before anything was begun: starting nothing new', {
    code: 'interrupted',
  })
}
