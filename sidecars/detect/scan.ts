/**
 * The scanner's place in the pipeline. `forward()` of egress takes a `Scanned` token, and only this file makes one, so
 * that an exception or a time-out of a detector cannot become a request that was not looked at.
 */
import type { Dlp } from '../../src/model/policy.ts'
import { carrying } from './carrying.ts'
import type { Carrier } from './carrying.ts'
import { decodeAll } from './content.ts'
import { headExcerpt, maskedExcerpt } from './excerpt.ts'
import { endOfKey, isKeyByFirstLine } from './key-end.ts'
import { KnownSearch } from './known.ts'
import { lookAt, lookThrough } from './look.ts'
import type { Detectors, Hit } from './look.ts'
import { Pieces } from './pieces.ts'

/** What a scan found: a stable rule id and where, never the value. */
export interface Finding {
  readonly rule: string
  readonly place: 'head' | 'body'
  /** Where it stands and how long it is, without a byte of it. */
  readonly excerpt?: string
}

/** Looks at a body piece by piece. */
export interface BodyScan {
  /** Nothing goes on before the end. */
  readonly whole: boolean
  /** The bytes that may go on now, or a finding that stops the body. */
  push(piece: Buffer): Buffer | Finding
  end(): Buffer | Finding
  /** Gives back its room; called whatever became of the body, also more than once. */
  dispose(): void
}

/** Bytes that all bodies which are looked at whole may hold together. */
export class Room {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  /** Whether there was room. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  give(bytes: number): void {
    this.#left += bytes
  }
}

/** One request as it is scanned: before any credential of ours is on it. */
export interface ScanInput {
  /** What will be sent of it: host, target, fields. Credentials that the agent may send of its own are not in here. */
  readonly sent: string
  /** Every value the agent gave, also of what is dropped, one after the other: what is split over several is one text. */
  readonly given: string
  /** Undefined: nothing but what is in `sent`. */
  readonly carrier?: Carrier
  /** Undefined: no body. */
  readonly body?: {
    /** Bytes; undefined: not known before its end. */
    readonly length: number | undefined
    /** Content codings, in the order they were applied. */
    readonly encodings: readonly string[]
  }
}

export interface ScanRules {
  readonly detectors: Detectors
  readonly dlp: Pick<Dlp, 'outboundOnMatch' | 'uninspectable'>
  readonly room: Room
  /** Told of what was found in a body, is masked, and goes on. */
  masked?(finding: Finding): void
  /** Whether the operator has accepted findings of this rule here. */
  accepted(rule: string): boolean
}

/** What only a scan can make. */
export type Scanned = ScannedRequest

class ScannedRequest {
  readonly #scanned = true
  /** `undefined`: there is no body. */
  readonly body: BodyScan | undefined
  readonly #rules: ScanRules

  constructor(body: BodyScan | undefined, rules: ScanRules) {
    this.body = body
    this.#rules = rules
  }

  /** For one message on the connection that the request opens; `length`: its bytes, undefined before its end is known; `rules`: those of now; `encodings`: as of a body. */
  message(length: number | undefined, rules = this.#rules, encodings: readonly string[] = []): BodyScan {
    return bodyScan({ length, encodings }, rules)
  }

  static made(value: object): boolean {
    return #scanned in value && value.#scanned
  }
}

export const isScanned = (value: object): value is Scanned => ScannedRequest.made(value)

/** A body up to this size is looked at whole, and packed content only then, bytes. */
export const WHOLE_MAX = 4 * 1024 * 1024
/** Bytes of a stream that are held back and looked at again with what follows: longer than any shape, known form or line of base64. */
const OVERLAP = 2048

export function scanRequest(input: ScanInput, rules: ScanRules): Scanned | Finding {
  const { detectors } = rules
  const { hits } = lookThrough(Buffer.from(input.sent, 'latin1'), detectors)
  const sent = hits.find((hit) => counts(hit, rules))
  if (sent) return finding(sent.rule, 'head', headExcerpt(input.sent, sent, hits))
  const given = spellingsOf(input.given).flatMap((text) =>
    detectors.known.searchWhole(Buffer.from(text, 'latin1')),
  )
  const known = given.find(({ rule }) => !rules.accepted(rule))
  if (known) return finding(known.rule, 'head', maskedExcerpt(known))
  for (const rule of input.carrier ? carrying(input.carrier) : [])
    if (!rules.accepted(rule)) return { rule, place: 'head' }
  return new ScannedRequest(input.body && bodyScan(input.body, rules), rules)
}

const ESCAPED = /%([0-9a-f]{2})/gi
/** As it stands, and as a server reads it before it puts values together. */
const spellingsOf = (given: string): readonly string[] =>
  given.includes('%')
    ? [given, given.replaceAll(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))]
    : [given]

/** Of a connection that nobody looks into, its name is all that is seen. `label`: see `Carrier`. */
export function scanName(name: string, label: string | undefined, rules: ScanRules): Finding | undefined {
  const scanned = scanRequest({ sent: name, given: name, carrier: { label, target: '' } }, rules)
  return 'rule' in scanned ? scanned : undefined
}

function bodyScan({ length, encodings }: NonNullable<ScanInput['body']>, rules: ScanRules): BodyScan {
  const codings = codingsOf(encodings)
  if (codings.length > 0 || (length !== undefined && length <= WHOLE_MAX))
    return new WholeScan(codings, rules)
  return new StreamScan(rules)
}

/** Codings that leave the text readable; `aws-chunked` puts signatures between its pieces. */
const PLAIN: ReadonlySet<string> = new Set(['', 'identity', 'aws-chunked'])

/** Codings that have to be undone before a text can be read, in the order they were applied. */
export const codingsOf = (encodings: readonly string[]): readonly string[] =>
  encodings.filter((coding) => !PLAIN.has(coding))

function counts(hit: Hit, { accepted, dlp }: ScanRules): boolean {
  if (hit.rule.startsWith('uninspectable/') && dlp.uninspectable === 'allow') return false
  return !accepted(hit.rule)
}

/** Nothing goes on before the end has been seen. */
class WholeScan implements BodyScan {
  readonly whole = true
  readonly #codings: readonly string[]
  readonly #rules: ScanRules
  readonly #pieces = new Pieces()
  /** Of the room. */
  #taken = 0
  /** Too large to be looked at, and that is allowed here. */
  #unseen = false

  constructor(codings: readonly string[], rules: ScanRules) {
    this.#codings = codings
    this.#rules = rules
  }

  push(piece: Buffer): Buffer | Finding {
    if (this.#unseen) return piece
    if (!this.#rules.room.take(piece.length)) return found(uninspectable('no-room'))
    this.#taken += piece.length
    this.#pieces.push(piece)
    if (this.#pieces.length <= WHOLE_MAX) return NOTHING
    const hit = uninspectable('too-large')
    if (counts(hit, this.#rules)) return found(hit)
    this.#unseen = true
    this.dispose()
    return this.#pieces.take()
  }

  dispose(): void {
    this.#rules.room.give(this.#taken)
    this.#taken = 0
  }

  end(): Buffer | Finding {
    this.dispose()
    const body = this.#pieces.take()
    if (body.length === 0) return body
    const text = decodeAll(this.#codings, body)
    if ('opaque' in text) {
      const hit = uninspectable(text.opaque)
      return counts(hit, this.#rules) ? found(hit) : body
    }
    const { detectors } = this.#rules
    const around = text.packed.flatMap((packed) => lookAt(packed, detectors))
    const hits = [...around, ...lookThrough(text.bytes, detectors).hits].filter((hit) =>
      counts(hit, this.#rules),
    )
    // What was packed would have to be packed anew: another length, another checksum.
    const stopping = this.#codings.length > 0 ? hits[0] : masked(body, hits, this.#rules, WHOLE)
    return stopping ? found(stopping) : body
  }
}

/** Of any length: goes on piece by piece, its last bytes held back. */
class StreamScan implements BodyScan {
  readonly whole = false
  readonly #rules: ScanRules
  readonly #search: KnownSearch
  #held = NOTHING
  #previous = NOTHING
  readonly #fresh = new Pieces()

  constructor(rules: ScanRules) {
    this.#rules = rules
    this.#search = new KnownSearch(rules.detectors.known)
  }

  push(piece: Buffer): Buffer | Finding {
    this.#fresh.push(piece)
    // A stream of small pieces would have its held bytes looked at again for each.
    return this.#fresh.length < OVERLAP ? NOTHING : this.#pass(false)
  }

  end(): Buffer | Finding {
    return this.#pass(true)
  }

  /** It holds no more than a few kilobytes. */
  dispose(): void {}

  #pass(last: boolean): Buffer | Finding {
    const block = Buffer.concat([this.#held, this.#fresh.take()])
    const streaming = { search: this.#search, seen: this.#held.length, previous: this.#previous, last }
    const look = lookThrough(block, this.#rules.detectors, streaming)
    // What begins in the bytes that are held back is looked at again with what follows.
    const waits = ({ rule, start }: Hit): boolean => !last && rule === CUT && start >= block.length - OVERLAP
    const hits = look.hits.filter((hit) => counts(hit, this.#rules) && !waits(hit))
    const stopping = masked(block, hits, this.#rules, { previous: this.#previous, last })
    if (stopping) return found(stopping)
    const passed = last ? block.length : Math.max(0, Math.min(look.settled, block.length - OVERLAP))
    this.#held = Buffer.from(block.subarray(passed))
    this.#previous = Buffer.from(block.subarray(Math.max(0, passed - 2), passed))
    return block.subarray(0, passed)
  }
}

/** Layers whose place in the text is known exactly, so that masking it takes out what they carry. */
const MASKABLE: ReadonlySet<string> = new Set(['base64', 'hex'])
const MASK = '*'
const isMaskable = ({ layers: [first] }: Hit): boolean => first === undefined || MASKABLE.has(first)

/** `undefined`: nobody knows where. */
function endOfHit(block: Buffer, hit: Hit, goesOn: boolean): number | undefined {
  if (!isKeyByFirstLine(hit) || !isMaskable(hit)) return hit.end
  if (hit.layers.length === 0) return endOfKey(block, hit, goesOn)
  return goesOn && hit.end === block.length ? undefined : hit.end
}

/**
 * Masks what was found, in place and of equal length, and looks again: a text between escapes is found twice. The first
 * hit that stays, or that cannot be masked, or that may not.
 */
function masked(
  block: Buffer,
  hits: readonly Hit[],
  rules: ScanRules,
  ends: { readonly previous: Uint8Array; readonly last: boolean },
): Hit | undefined {
  if (rules.dlp.outboundOnMatch !== 'redact' || hits.length === 0) return hits[0]
  const places = hits.map((hit) => ({ hit, end: endOfHit(block, hit, !ends.last) }))
  const stopping = places.find(
    ({ hit, end }) => hit.start < 0 || end === undefined || hit.rule.startsWith('uninspectable/'),
  )
  if (stopping) return stopping.hit
  for (const { hit, end } of places) if (isMaskable(hit)) block.fill(MASK, hit.start, end)
  const again = { search: new KnownSearch(rules.detectors.known), seen: 0, ...ends }
  const stays = lookThrough(block, rules.detectors, again).hits.find((hit) => counts(hit, rules))
  if (stays === undefined) for (const hit of hits) rules.masked?.(found(hit))
  return stays
}

const NOTHING = Buffer.alloc(0)
const WHOLE = { previous: NOTHING, last: true }
const CUT = 'uninspectable/cut'
const found = (hit: Hit): Finding => finding(hit.rule, 'body', maskedExcerpt(hit))
const finding = (rule: string, place: Finding['place'], excerpt: string | undefined): Finding => ({
  rule,
  place,
  ...(excerpt !== undefined && { excerpt }),
})
const uninspectable = (why: string): Hit => ({ rule: `uninspectable/${why}`, start: 0, end: 0, layers: [] })
