/** Lines of control sockets, and what the supervisor hears from its daemons: JSON of the protocol with wrong parts. */
import { decodeFromDaemon } from '../../sidecars/supervisor/answers.ts'
import { decodeSupervisorRequest } from '../../sidecars/supervisor/requests.ts'
import { decodeDialRequest, decodeRecord, decodeUplinkRequest } from '../../sidecars/uplink/requests.ts'
import { DecodeError, decodeJson } from '../../sidecars/control/decode.ts'
import { lineReader } from '../../sidecars/control/lines.ts'
import type { Random } from '../../sidecars/detect/samples.ts'
import { chanceOf, latin1, must, oneOf, pieces } from './target.ts'
import type { Target } from './target.ts'

const LINE_MAX = 64 * 1024
const TOKEN = 't'.repeat(40)

const SAMPLES: readonly unknown[] = [
  { id: 1, op: 'status', nonce: 'n' },
  { id: 2, op: 'logs', daemon: 'egress', follow: false, tail: 10 },
  { id: 3, op: 'restart', daemon: 'egress' },
  {
    id: 4,
    op: 'configure',
    daemon: 'egress',
    config: { generation: 1, policy: { log: 'all', routes: [] }, secrets: { a: 'b' }, trust: [], uplinkToken: TOKEN, bottle: 'a' }, // prettier-ignore
  },
  { id: 5, op: 'attach', bottle: 'a', token: TOKEN, targets: [{ host: 'a.test', port: 443, allowPrivate: false }] }, // prettier-ignore
  { id: 6, op: 'targets', bottle: 'a', targets: [] },
  { id: 7, op: 'detach', bottle: 'a' },
  {
    id: 8,
    op: 'configure',
    policy: { hosts: { 'a.test': '10.0.0.1' }, dns: ['10.0.0.2:53'], noProxy: ['.b.test'], hostAddresses: ['::1'], proxy: 'http://p.test:1' }, // prettier-ignore
  },
  {
    id: 9,
    op: 'record',
    record: { version: 1, revision: 1, stack: 'acme', installation: 'i', origin: '/x', objects: { a: { digest: 'd', digestVersion: 1 } }, bottles: { b: { label: 'l' } } }, // prettier-ignore
  },
  { token: TOKEN, host: 'a.test', port: 443 },
  { token: TOKEN, report: true },
  { ready: true, version: '1.2' },
  { id: 1, ok: true, value: { generation: 1 } },
  { id: 1, ok: false, code: 'c', message: 'm' },
  { log: { at: '2026-01-01T00:00:00Z', bottle: 'a', decision: 'allow', rule: 'route', host: 'a.test', port: 443, generation: 1 } }, // prettier-ignore
  { spent: { route: 'a.test:443', day: 1, bytes: 2 } },
]

const VALUES: readonly unknown[] = [null, true, 0, -1, 1.5, 1e300, '', 'a', '\u0000', '\ud800', 'x'.repeat(5000), [], {}, [[]], { __proto__: null }, 2 ** 60, '10.0.0.1', 'a.test', 'constructor', '__proto__'] // prettier-ignore
const KEYS = ['__proto__', 'constructor', 'toString', 'op', 'id', 'token', 'host', 'extra', '', 'hasOwnProperty', 'value', 'config'] // prettier-ignore

/** The value with some of its parts changed, added or left out. */
function bent(random: Random, value: unknown): unknown {
  if (random(14) === 0) return oneOf(random, VALUES)
  if (Array.isArray(value)) {
    const items = value.map((item) => bent(random, item))
    return random(8) === 0 ? Array.from({ length: random(300) }, () => items[0] ?? 0) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(() => random(20) !== 0)
  if (random(8) === 0) entries.push([oneOf(random, KEYS), oneOf(random, VALUES)])
  return Object.fromEntries(entries.map(([key, member]) => [key, bent(random, member)]))
}

const DECODERS: readonly ((line: string) => unknown)[] = [
  (line) => decodeSupervisorRequest(withoutId(line)),
  (line) => decodeUplinkRequest(withoutId(line)),
  (line) => decodeDialRequest(line),
  (line) => decodeFromDaemon(decodeJson(line)),
  (line) => decodeRecord(decodeJson(line), 'record'),
]

function withoutId(line: string): Record<string, unknown> {
  const decoded = decodeJson(line)
  if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded))
    throw new DecodeError('not an object')
  const { id: _id, ...rest } = decoded as Record<string, unknown>
  return rest
}

function readLines(said: readonly Buffer[]): { readonly lines: readonly string[]; readonly left: boolean } {
  const lines: string[] = []
  const reader = lineReader(LINE_MAX, (line) => lines.push(line))
  return { left: !said.every((piece) => reader.push(piece)), lines }
}

const lines: Target = {
  name: 'control',
  grammar: (random) =>
    Buffer.concat(
      Array.from({ length: 1 + random(3) }, () =>
        Buffer.from(
          `${JSON.stringify(bent(random, oneOf(random, SAMPLES)))}${random(9) === 0 ? '\r' : ''}\n`,
        ),
      ),
    ),
  words: ['\n', '{', '}', '[', ']', '"', ',', ':', '\\u0000', '\\ud800', '1e999', '\xff', '\0', '__proto__', '"id":1,', '[[[['.repeat(50)], // prettier-ignore
  ends: ['no line', 'left', 'refused', 'taken'],
  run(bytes) {
    const whole = readLines([Buffer.from(bytes)])
    const cut = readLines(pieces(chanceOf(bytes), bytes))
    must(JSON.stringify(cut.lines) === JSON.stringify(whole.lines), 'other lines in pieces')
    let taken = 0
    for (const line of whole.lines) {
      for (const decode of DECODERS) {
        try {
          decode(line)
          taken += 1
        } catch (error) {
          must(error instanceof DecodeError, `not an answer of ours: ${String(error)}`)
        }
      }
    }
    must(({} as Record<string, unknown>)['extra'] === undefined, 'every object has changed')
    if (whole.left) return 'left'
    if (whole.lines.length === 0) return 'no line'
    return taken > 0 ? 'taken' : 'refused'
  },
  costly: [
    (repeat) => latin1('{}\n'.repeat(repeat)),
    (repeat) => latin1(`${'['.repeat(repeat)}\n`),
    (repeat) => latin1(`{"token":"${'\\u0041'.repeat(repeat)}"}\n`),
    (repeat) => latin1(`{${'"a":1,'.repeat(repeat)}"b":1}\n`),
  ],
}

export const CONTROL_TARGETS: readonly Target[] = [lines]
