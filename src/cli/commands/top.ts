/** What bottles sent and were refused, drawn again in place on a terminal until it is interrupted or nobody reads it; else once. */
import { setTimeout as pause } from 'node:timers/promises'
import { EXIT } from '../../model/errors.ts'
import { openRegion } from '../../render/region.ts'
import { trafficJson, trafficLines } from '../../render/traffic.ts'
import type { Traffic } from '../../render/traffic.ts'
import { openBottles } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { lookAtTraffic } from '../egress/traffic.ts'

/** Between two looks, milliseconds. */
const INTERVAL_MS = 2000
const LEAST_MS = 250

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io, output } = invocation
  const bottles = await openBottles(invocation, args)
  const seconds = options.number('interval')
  const every = seconds === undefined ? undefined : Math.max(LEAST_MS, seconds * 1000)
  const json = options.flag('json')
  const isOnce = options.flag('once') || (output.screen === undefined && every === undefined)
  const ended = new AbortController()
  const either = AbortSignal.any([ended.signal, output.gone])
  const undo = (['SIGINT', 'SIGTERM'] as const).map((signal) => io.onSignal(signal, () => ended.abort()))
  const region = json || isOnce || !output.screen ? undefined : openRegion(output.screen)
  try {
    let before: Traffic | undefined
    for (;;) {
      const traffic = await lookAtTraffic(bottles[0]?.stack ?? '', bottles, io, either)
      if (either.aborted) break
      const style = { ...output.style, ...(output.screen && { width: output.screen.columns() }) }
      if (json) output.result(trafficJson(traffic))
      else if (region) region.draw(trafficLines(traffic, style, before, output.screen?.rows()))
      else output.result(trafficLines(traffic, output.style, before))
      if (isOnce) return EXIT.done
      before = traffic
      await pause(every ?? INTERVAL_MS, undefined, { signal: either }).catch(() => undefined)
      if (either.aborted) break
    }
    return ended.signal.aborted ? EXIT.interrupted : EXIT.done
  } finally {
    region?.end()
    for (const step of undo) step()
  }
}
