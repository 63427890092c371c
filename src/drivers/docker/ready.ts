/** Waits until a daemon answers on its control socket: back-off, no fixed sleep, a limit, and its log when it died. */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { DriverError, TimeoutError } from '../../model/errors.ts'
import { ask, type ControlTarget } from './control.ts'
import { collectLog } from './logs.ts'
import type { Site } from './place.ts'
import { startFailed } from './trouble.ts'

/** Longest time from start to answer, milliseconds. */
const PATIENCE_MS = 30_000

export async function readyOnSocket(
  site: Site,
  target: ControlTarget & { readonly name: string },
  signal: AbortSignal,
): Promise<unknown> {
  const until = performance.now() + PATIENCE_MS
  for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
    try {
      return await ask(site.engine, target, { op: 'status', nonce: randomBytes(16).toString('hex') }, signal)
    } catch (thrown) {
      if (!(thrown instanceof DriverError)) throw thrown
      const found = await site.engine.container(target.containerId)
      if (found?.state.running !== true)
        throw startFailed(target.name, await collectLog(site.engine, target.containerId))
      if (!thrown.transient) throw thrown
      if (performance.now() > until)
        throw new TimeoutError(`${target.what} did not answer within ${PATIENCE_MS / 1000} s`, {
          code: 'control-timeout',
          hint: `docker logs ${target.name}`,
          cause: thrown,
        })
    }
    await wait(pause, undefined, { signal })
  }
}
