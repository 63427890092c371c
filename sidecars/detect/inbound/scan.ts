/**
 * Instructions to the agent in what an upstream answers. Looks at a stream block by block, with the end of the block
 * before, so that memory is bounded and a sign over a border is seen. Each rule is reported once. It says what it is
 * sure of: a text that only argues, or speaks another language than English, is none to it.
 */
import { hiddenParts } from './hidden.ts'
import { carriesInvisible, turnsText } from './invisible.ts'
import { instructs, instructsHidden } from './phrases.ts'
import { plain } from './plain.ts'

export const INBOUND_RULES = [
  'inbound/instruction',
  'inbound/hidden-instruction',
  'inbound/encoded-instruction',
  'inbound/invisible-text',
  'inbound/bidi',
] as const
export type InboundRule = (typeof INBOUND_RULES)[number]

/** Characters that are looked at together; of a stream whose pieces do not wait, fewer. */
const BLOCK = 64 * 1024
export const FLOWING = 4 * 1024
/** Of the block before, looked at again: longer than any part or span. */
const OVERLAP = 6 * 1024
const BASE64 = /[A-Za-z0-9+/_-]{40,8000}={0,2}/g
const HEX = /(?:[0-9a-f]{2}){30,4000}/gi

export class InboundScan {
  readonly #decoder = new TextDecoder()
  readonly #reported = new Set<InboundRule>()
  readonly #accepted: (rule: string) => boolean
  readonly #every: number
  #before = ''
  #fresh = ''

  /** `accepted`: rules that are not reported; `every`: characters after which it looks. */
  constructor(accepted: (rule: string) => boolean = () => false, every = BLOCK) {
    this.#accepted = accepted
    this.#every = every
  }

  /** Rules found since the last call; each at most once in all. */
  push(piece: Buffer): readonly InboundRule[] {
    this.#fresh += this.#decoder.decode(piece, { stream: true })
    return this.#fresh.length >= this.#every ? this.#look() : []
  }

  /** Characters that nobody has looked at yet. */
  get waiting(): number {
    return this.#fresh.length
  }

  end(): readonly InboundRule[] {
    this.#fresh += this.#decoder.decode()
    return this.#look()
  }

  #look(): readonly InboundRule[] {
    const found: InboundRule[] = []
    for (let at = 0; at < this.#fresh.length; at += BLOCK) {
      const text = this.#before + this.#fresh.slice(at, at + BLOCK)
      for (const rule of rulesIn(text)) {
        if (this.#reported.has(rule) || this.#accepted(rule)) continue
        this.#reported.add(rule)
        found.push(rule)
      }
      this.#before = text.slice(-OVERLAP)
    }
    this.#fresh = ''
    return found
  }
}

function* rulesIn(text: string): Generator<InboundRule> {
  if (carriesInvisible(text)) yield 'inbound/invisible-text'
  if (turnsText(text)) yield 'inbound/bidi'
  if (instructs(plain(text))) yield 'inbound/instruction'
  for (const part of hiddenParts(text)) {
    if (!instructsHidden(plain(part))) continue
    yield 'inbound/hidden-instruction'
    break
  }
  for (const words of encodedTexts(text)) {
    if (!instructsHidden(plain(words))) continue
    yield 'inbound/encoded-instruction'
    break
  }
}

/** Runs of base64 and hexadecimal that are text, also within another run of it. */
function* encodedTexts(text: string, depth = 2): Generator<string> {
  for (const [run] of text.matchAll(BASE64)) yield* readable(Buffer.from(run, 'base64'), depth)
  for (const [run] of text.matchAll(HEX)) yield* readable(Buffer.from(run, 'hex'), depth)
}

const UNREADABLE = /[^\t\n\r\x20-\x7e]/

function* readable(bytes: Buffer, depth: number): Generator<string> {
  // Every character of four is one too few or too many where the run began elsewhere; what is text is text from its first byte.
  const words = bytes.toString('latin1')
  if (UNREADABLE.test(words.slice(0, -2))) return
  yield words
  if (depth > 1) yield* encodedTexts(words, depth - 1)
}
