/** A WebSocket that an upstream has agreed to: the answer is checked, the agent gets ours, and the session runs to its end. */
import type { Scanned, ScanRules } from '../../detect/scan.ts'
import { admit } from '../../policy/judge.ts'
import type { Allowed } from '../../policy/judge.ts'
import { controls } from '../../policy/controls.ts'
import type { Door } from '../door.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { Malformed } from '../../http/head.ts'
import { renderResponse } from '../exchange/outgoing.ts'
import { Refuse } from '../exchange/request.ts'
import type { ResponseHead } from '../exchange/response.ts'
import type { Running } from '../running.ts'
import { dayOf, scanRules } from '../exchange/scanning.ts'
import type { Matcher } from '../secrets/scrub.ts'
import type { Wire } from '../../http/wire.ts'
import { acceptedProtocol, answerLines } from './handshake.ts'
import type { Opening } from './handshake.ts'
import { Passing, scrubbing } from './passing.ts'
import { runSession } from './session.ts'
import type { Ending } from './session.ts'

export interface Upgrade {
  readonly allowed: Allowed
  readonly scanned: Scanned
  readonly exchange: Exchange
  readonly opening: Opening
  readonly upstream: Wire
  readonly response: ResponseHead
  /** When the route's time is over, milliseconds of `Date.now`. */
  readonly ends: number
}

/** Resolves when the session is over and both ends were told. Throws Refuse while there is none. */
export async function serveWebSocket(door: Door, upgrade: Upgrade): Promise<Ending> {
  const { allowed, scanned, exchange, opening, upstream, response, ends } = upgrade
  const { client, running, outgoing } = exchange
  const protocol = agreed(opening, response)
  // Frames before the answer would have been written without knowing who reads them.
  if (client.pending > 0) throw new Refuse('websocket-handshake')
  const masks = outgoing.credential !== undefined && controls.on('response-scrub')
  const matcher = masks && !running.matcher.empty ? running.matcher : undefined
  const fields = response.fields.filter(({ key }) => !key.startsWith('sec-websocket-'))
  const head = renderResponse({ ...response, fields }, { kind: 'none' }, false, matcher)
  exchange.status = response.status
  exchange.begun = true
  await client.write(head.slice(0, -2) + answerLines(opening, protocol) + '\r\n')
  exchange.opened()
  return await runSession({
    agent: client,
    upstream,
    limits: door.limits,
    ends,
    messageMax: allowed.route.limits?.bodyBytes ?? Number.POSITIVE_INFINITY,
    // A session outlives configurations: each message is looked at by the present one.
    out: new Passing((length) => scanned.message(length, rulesOfNow(door, exchange))),
    back: new Passing(masks ? scrubbing(() => matchersOfNow(door, running)) : () => undefined),
    count(sender, bytes, message) {
      if (sender === 'upstream') {
        exchange.bodyIn += bytes
        return
      }
      exchange.bodyOut += bytes
      door.quotas.count(allowed.route, bytes, message)
    },
  })
}

/** `undefined`: nothing of it is in force any more, and the session is about to be closed. */
function rulesOfNow(door: Door, { running, target, outgoing, warned }: Exchange): ScanRules | undefined {
  const now = door.running()
  if (now === undefined || now === running) return undefined
  const { route } = admit(now.config.policy, target.scheme, target.authority)
  const { path } = outgoing.request
  return route && scanRules(now.detectors, route, { path, today: dayOf(Date.now()), warned })
}

/** The credential that opened the session may come back until its end, the present ones as well. */
function matchersOfNow(door: Door, opened: Running): readonly Matcher[] {
  const now = door.running() ?? opened
  return [...new Set([opened.matcher, now.matcher])].filter(({ empty }) => !empty)
}

function agreed(opening: Opening, { fields }: ResponseHead): string | undefined {
  try {
    return acceptedProtocol(opening, fields)
  } catch (error) {
    if (error instanceof Malformed) throw new Refuse('upstream-handshake')
    throw error
  }
}
