/** Traffic of one bottle as an HTTP archive, from the audit of its egress. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { desiredPolicy } from '../../execute/routes.ts'
import { EXIT } from '../../model/errors.ts'
import type { DetectorShapes } from '../../model/token-shape.ts'
import { harOf } from '../../render/har.ts'
import type { AuditedExchange } from '../../render/har.ts'
import { safeJson } from '../../render/safe-json.ts'
import { count } from '../../render/words.ts'
import { scannerWith } from '../../../sidecars/detect/shapes/further.ts'
import { exchangeOf, jsonLine, lostOf } from '../egress/audit.ts'
import { withBottle } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { sinceTime } from '../grammar/since.ts'
import { VERSION } from '../version.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io, output } = invocation
  const since = options.text('since')
  const out = options.text('out')
  const [bottle = ''] = args
  const { exchanges, lost, log } = await withBottle(invocation, bottle, async (found) => {
    const { driver, stack, name, resources, detectors } = found
    const request = { follow: false, ...(since !== undefined && { since: sinceTime(since, io.now()) }) }
    const stream = await driver.logs(stack, name, 'egress', request)
    const read = await readExchanges(createInterface({ input: stream, crlfDelay: Infinity }), detectors)
    return { ...read, log: resources && desiredPolicy(resources, name).egress.log }
  })
  const comments = lost > 0 ? [`${count(lost, 'line')} of the audit are missing`] : []
  const document = safeJson(harOf({ bottle, version: VERSION, exchanges, comments }), 2)
  if (out === undefined) output.result([document])
  else {
    writeFileSync(resolve(io.cwd, out), `${document}\n`, { mode: 0o600 })
    output.note([`${count(exchanges.length, 'exchange')} of ${bottle} in ${out}`])
  }
  if (log !== 'all' && !exchanges.some(({ decision }) => decision === 'allowed'))
    output.note([
      log === undefined
        ? 'nothing that was allowed is in it: that is kept only where the manifest says `egress.log: all`'
        : 'nothing that was allowed is in it: `egress.log: all` in the manifest tells of that too',
    ])
  return EXIT.done
}

async function readExchanges(
  lines: AsyncIterable<string>,
  detectors: DetectorShapes | undefined,
): Promise<{ readonly exchanges: readonly AuditedExchange[]; readonly lost: number }> {
  const mask = tokenMask(detectors)
  const exchanges: AuditedExchange[] = []
  let lost = 0
  for await (const line of lines) {
    const row = jsonLine(line)
    if (!row) continue
    lost += lostOf(row) ?? 0
    const exchange = exchangeOf(row)
    if (exchange)
      exchanges.push(exchange.path === undefined ? exchange : { ...exchange, path: mask(exchange.path) })
  }
  return { exchanges, lost }
}

/** Egress masks what it holds; what has the form of a token, and was let through as known, is masked here. */
function tokenMask(detectors: DetectorShapes = {}): (path: string) => string {
  const shapes = scannerWith(detectors)
  return (path) => {
    const bytes = Buffer.from(path)
    for (const { start, end } of shapes.scan(bytes).hits) bytes.fill('*', start, end)
    return bytes.toString()
  }
}
