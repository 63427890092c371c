/**
 * Reads the patterns that shapes are written in, a part of RegExp in which every match has a longest length and no
 * quantifier stands inside another: literals, classes, groups, alternatives, `{n}`, `{n,m}` and `?` (a group takes only
 * `?`). Whatever else RegExp knows is refused when the shapes are read, so that no pattern can take unbounded work.
 */

/** 256 flags: which bytes. */
export type ByteSet = Uint8Array

export interface Pattern {
  /** Shortest and longest match, bytes. */
  readonly min: number
  readonly max: number
  /** What the first bytes of every match must be, place by place, as far as all matches agree on places. */
  readonly head: readonly ByteSet[]
  /** The only bytes that a match can go on with behind its head. */
  readonly rest: ByteSet
  /** The longest row of one kind of byte that stands in every match. */
  readonly row: Row
}

export interface Row {
  readonly set: ByteSet
  readonly length: number
}

/** Longest head that is worth a look before the pattern itself. */
const HEAD = 96

export class PatternError extends Error {
  constructor(pattern: string, at: number, what: string) {
    super(`${what} at ${at} in /${pattern}/`)
    this.name = 'PatternError'
  }
}

export function readPattern(pattern: string, anyCase = false): Pattern {
  const reader = new Reader(pattern, anyCase)
  const part = reader.alternatives()
  if (!reader.done()) throw reader.refused('unexpected )')
  const { min, max, head, rest, row } = part
  return { min, max, head: head.slice(0, HEAD), rest: union([...head.slice(HEAD), ...rest]), row }
}

/** A literal with classes, `[0-9]Q~`: one set per place. */
export function readPlaces(text: string, anyCase = false): readonly ByteSet[] {
  if (PLAIN.test(text)) return Array.from(text, (sign) => setOf(sign, anyCase))
  const { head, min, max } = readPattern(text, anyCase)
  if (head.length !== max || min !== max) throw new PatternError(text, 0, 'places are not fixed')
  return head
}

/** Each sign stands for itself. */
const PLAIN = /^[\w :/@"'=<>~#&%,;!-]+$/

function setOf(sign: string, anyCase: boolean): ByteSet {
  const key = anyCase ? `any ${sign}` : sign
  let set = SETS.get(key)
  if (set === undefined) {
    set = new Uint8Array(256)
    addTo(set, sign.charCodeAt(0), anyCase)
    SETS.set(key, set)
  }
  return set
}

function addTo(set: ByteSet, byte: number, anyCase: boolean): void {
  set[byte] = 1
  const isLetter = (byte | 0x20) >= 97 && (byte | 0x20) <= 122
  if (anyCase && isLetter) set[byte ^ 0x20] = 1
}

/** The bytes of a class, `[0-9A-Za-z_]`. */
export function readClass(text: string, anyCase = false): ByteSet {
  const [set, more] = readPlaces(text, anyCase)
  if (set === undefined || more !== undefined) throw new PatternError(text, 0, 'not one class')
  return set
}

interface Part {
  readonly min: number
  readonly max: number
  readonly head: readonly ByteSet[]
  readonly rest: readonly ByteSet[]
  /** The head is the whole part, so that what follows has known places too. */
  readonly fixed: boolean
  readonly row: Row
}

/** Sets by how they are written; patterns have few, and nobody writes to one. */
const SETS = new Map<string, ByteSet>()
/** Characters of the longest class in a pattern; a longer one is read, and not shared. */
const LONGEST_PLACE = 80

const NO_ROW: Row = { set: new Uint8Array(256), length: 0 }
const NOTHING: Part = { min: 0, max: 0, head: [], rest: [], fixed: true, row: NO_ROW }

class Reader {
  readonly #text: string
  readonly #anyCase: boolean
  #at = 0
  #captures = 0

  constructor(text: string, anyCase: boolean) {
    this.#text = text
    this.#anyCase = anyCase
  }

  done(): boolean {
    return this.#at === this.#text.length
  }

  refused(what: string): PatternError {
    return new PatternError(this.#text, this.#at, what)
  }

  alternatives(): Part {
    const branches = [this.#sequence()]
    while (this.#take('|')) branches.push(this.#sequence())
    return branches.reduce(either)
  }

  #sequence(): Part {
    let whole = NOTHING
    while (!this.done() && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')')
      whole = then(whole, this.#quantified())
    return whole
  }

  #quantified(): Part {
    const isGroup = this.#text[this.#at] === '('
    const part = isGroup ? this.#group() : one(this.#shared())
    if (this.#take('?')) return optional(part)
    if (!this.#take('{')) return part
    if (isGroup) throw this.refused('quantified group')
    const min = this.#number()
    const max = this.#take(',') ? this.#number() : min
    if (!this.#take('}') || max < min || max === 0) throw this.refused('bad quantifier')
    if (this.#text[this.#at] === '?' || this.#text[this.#at] === '{')
      throw this.refused('quantified quantifier')
    return repeated(part, min, max)
  }

  #group(): Part {
    this.#at += 1
    if (!this.#take('?:')) {
      if (this.#text[this.#at] === '?') throw this.refused('look-around or named group')
      this.#captures += 1
      if (this.#captures > 1) throw this.refused('second capture')
    }
    const part = this.alternatives()
    if (!this.#take(')')) throw this.refused('open group')
    return part
  }

  /** One set for all places that are written alike. */
  #shared(): ByteSet {
    const text = this.#written()
    // A class that is longer, or not closed.
    if (text === '[') return this.#place()
    const key = this.#anyCase ? `any ${text}` : text
    const known = SETS.get(key)
    if (known) {
      this.#at += text.length
      return known
    }
    const set = this.#place()
    SETS.set(key, set)
    return set
  }

  /** One place as it is written. */
  #written(): string {
    const sign = this.#text[this.#at] ?? ''
    if (sign === '\\') return this.#text.slice(this.#at, this.#at + 2)
    if (sign !== '[') return sign
    const [text = sign] =
      /^\[(?:\\.|[^\]\\])*\]/.exec(this.#text.slice(this.#at, this.#at + LONGEST_PLACE)) ?? []
    return text
  }

  #place(): ByteSet {
    const set = new Uint8Array(256)
    if (this.#text[this.#at] !== '[') {
      if ('*+?.^${}'.includes(this.#text[this.#at] ?? '')) throw this.refused('unbounded or unknown sign')
      this.#add(set, this.#byte())
      return set
    }
    this.#at += 1
    const negated = this.#take('^')
    while (!this.#take(']')) {
      const from = this.#byte()
      const to = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']' ? this.#to() : from
      if (to < from) throw this.refused('empty range')
      for (let byte = from; byte <= to; byte++) this.#add(set, byte)
    }
    return negated ? set.map((flag) => 1 - flag) : set
  }

  #to(): number {
    this.#at += 1
    return this.#byte()
  }

  #add(set: ByteSet, byte: number): void {
    addTo(set, byte, this.#anyCase)
  }

  #byte(): number {
    const escaped = this.#take('\\')
    const code = this.#text.charCodeAt(this.#at)
    if (Number.isNaN(code) || code > 0x7e) throw this.refused('end, or not ASCII')
    const sign = this.#text[this.#at] ?? ''
    this.#at += 1
    if (!escaped || !/[0-9A-Za-z]/.test(sign)) return code
    const control = { n: 10, r: 13, t: 9 }[sign]
    if (control === undefined) throw this.refused(`escape \\${sign}`)
    return control
  }

  #number(): number {
    const [digits] = /^\d{1,4}/.exec(this.#text.slice(this.#at, this.#at + 4)) ?? []
    if (digits === undefined) throw this.refused('quantifier without a bound')
    this.#at += digits.length
    return Number(digits)
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }
}

function one(set: ByteSet): Part {
  return { min: 1, max: 1, head: [set], rest: [], fixed: true, row: { set, length: 1 } }
}

function then(a: Part, b: Part): Part {
  return {
    min: a.min + b.min,
    max: a.max + b.max,
    head: a.fixed ? [...a.head, ...b.head] : a.head,
    rest: a.fixed ? b.rest : [...a.rest, ...b.head, ...b.rest],
    fixed: a.fixed && b.fixed,
    row: a.row.length < b.row.length ? b.row : a.row,
  }
}

function either(a: Part, b: Part): Part {
  const places = Math.min(a.head.length, b.head.length)
  const beyond = [a, b].flatMap(({ head, rest }) => [...head.slice(places), ...rest])
  return {
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    rest: beyond,
    head: a.head.slice(0, places).map((set, place) => union([set, b.head[place] ?? set])),
    fixed: a.fixed && b.fixed && a.max === b.max,
    row: {
      set: union([a.row.set, b.row.set]),
      length: Math.min(a.row.length, b.row.length),
    },
  }
}

function optional(part: Part): Part {
  return { ...part, min: 0, head: [], rest: [...part.head, ...part.rest], fixed: false, row: NO_ROW }
}

function repeated(part: Part, min: number, max: number): Part {
  return {
    min,
    max,
    head: Array.from({ length: min }, () => part.head).flat(),
    rest: min < max ? part.head : [],
    fixed: min === max,
    row: min === 0 ? NO_ROW : { set: part.row.set, length: min },
  }
}

export function union(sets: readonly ByteSet[]): ByteSet {
  const whole = new Uint8Array(256)
  for (const set of new Set(sets)) for (let byte = 0; byte < 256; byte++) if (set[byte] === 1) whole[byte] = 1
  return whole
}

export function includes(whole: ByteSet, part: ByteSet): boolean {
  return part.every((flag, byte) => flag === 0 || whole[byte] === 1)
}
