/**
 * The synthetic resolver: a declared name has the address of the transparent listeners and nothing else, any other
 * name does not exist. It asks nobody. Pure: one query in, one answer out; what is no query gets none.
 */
import { TRANSPARENT_ADDRESS } from '../../../src/model/names.ts'
import { isForbiddenName, parseHost } from '../../policy/authority.ts'

const HEADER = 12
const TYPE_A = 1
const TYPE_OPT = 41
const TYPE_ANY = 255
const CLASS_IN = 1
/** Seconds: a policy may change any time. */
const TTL = 5
const CODE = { ok: 0, malformed: 1, nameUnknown: 3, notImplemented: 4, refused: 5 } as const
const QUERY_MAX = 4096

/** `undefined`: shorter than a header, an answer itself, or too large; nothing is said then. */
export function answerQuery(query: Buffer, isDeclared: (name: string) => boolean): Buffer | undefined {
  if (query.length < HEADER || query.length > QUERY_MAX) return undefined
  const flags = query.readUInt16BE(2)
  if ((flags & 0x8000) !== 0) return undefined
  if ((flags & 0x7800) !== 0) return answer(query, HEADER, CODE.notImplemented, 0, false)
  const [questions, answers, authorities, additional] = [4, 6, 8, 10].map((at) => query.readUInt16BE(at))
  const question = questions === 1 && answers === 0 && authorities === 0 ? readQuestion(query) : undefined
  if (question === undefined || (flags & 0x0200) !== 0) return answer(query, HEADER, CODE.malformed, 0, false)
  const edns = readsEdns(query, question.end, additional ?? 0)
  if (edns === undefined) return answer(query, HEADER, CODE.malformed, 0, false)
  if (question.class !== CLASS_IN) return answer(query, question.end, CODE.refused, 0, edns)
  const host = parseHost(question.name)
  if (!host.ok || isForbiddenName(host.value) || !isDeclared(host.value))
    return answer(query, question.end, CODE.nameUnknown, 0, edns)
  // Other types exist without records: NXDOMAIN for AAAA would make musl give up on A too.
  const addressed = question.type === TYPE_A || question.type === TYPE_ANY
  return answer(query, question.end, CODE.ok, addressed ? 1 : 0, edns)
}

interface Question {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly end: number
}

/** One question without compression: there is nothing before it that a pointer could mean. */
function readQuestion(query: Buffer): Question | undefined {
  const labels: string[] = []
  let at = HEADER
  for (;;) {
    const length = query[at]
    if (length === undefined || length > 63 || at - HEADER > 254) return undefined
    at += 1
    if (length === 0) break
    if (at + length > query.length) return undefined
    const label = query.toString('latin1', at, at + length)
    // A dot inside a label would read as two labels.
    if (label.includes('.')) return undefined
    labels.push(label)
    at += length
  }
  if (at + 4 > query.length) return undefined
  return {
    name: labels.join('.'),
    type: query.readUInt16BE(at),
    class: query.readUInt16BE(at + 2),
    end: at + 4,
  }
}

/** Whether the query carries EDNS; `undefined` when what follows the question is something else. */
function readsEdns(query: Buffer, start: number, count: number): boolean | undefined {
  if (count === 0) return query.length === start ? false : undefined
  if (
    count !== 1 ||
    start + 11 > query.length ||
    query[start] !== 0 ||
    query.readUInt16BE(start + 1) !== TYPE_OPT
  )
    return undefined
  return start + 11 + query.readUInt16BE(start + 9) === query.length ? true : undefined
}

function answer(query: Buffer, questionEnd: number, code: number, addresses: 0 | 1, edns: boolean): Buffer {
  const header = Buffer.alloc(HEADER)
  query.copy(header, 0, 0, 2)
  // QR and AA; opcode and RD come back as asked; RA, because stub resolvers want it.
  header.writeUInt16BE(0x8400 | (query.readUInt16BE(2) & 0x7900) | 0x0080 | code, 2)
  header.writeUInt16BE(questionEnd > HEADER ? 1 : 0, 4)
  header.writeUInt16BE(addresses, 6)
  header.writeUInt16BE(edns ? 1 : 0, 10)
  return Buffer.concat([
    header,
    query.subarray(HEADER, questionEnd),
    ...(addresses === 1 ? [RECORD] : []),
    ...(edns ? [EDNS] : []),
  ])
}

/** A pointer to the question's name, type A, class IN. */
const RECORD = Buffer.from([
  0xc0,
  HEADER,
  0,
  TYPE_A,
  0,
  CLASS_IN,
  0,
  0,
  0,
  TTL,
  0,
  4,
  ...TRANSPARENT_ADDRESS.split('.').map(Number),
])
/** An empty OPT record, 1232 bytes. */
const EDNS = Buffer.from([0, 0, TYPE_OPT, 0x04, 0xd0, 0, 0, 0, 0, 0, 0])
