/** Counters of bottles as Prometheus' text. */
import { EXIT } from '../../model/errors.ts'
import { prometheusLines } from '../../render/prometheus.ts'
import { openBottles } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { lookAtTraffic } from '../egress/traffic.ts'

export async function run(invocation: Invocation): Promise<number> {
  const bottles = await openBottles(invocation, invocation.args)
  const traffic = await lookAtTraffic(bottles[0]?.stack ?? '', bottles, invocation.io)
  invocation.output.result(prometheusLines(traffic))
  return EXIT.done
}
