/**
 * Method parameters, by which frameworks take a POST for another method (Rails, Laravel, Symfony, Express): in a query,
 * and in the bodies that servers read as forms or as JSON. Every reading that one of them has counts. Pure; a body is
 * looked at piece by piece, and nothing is collected.
 */

/**
 * PHP makes `_` of a `.` or `[` in a name, ends it at NUL and skips spaces before it; Rack 2 and `qs` also take a name
 * in brackets for the name. A beginning that does not end is unsure.
 */
const PARAMETER = /^(?:[\s[\]]*[_.]|\s*\[)method(?:[\0[\]]|$)|^[\s[\]]{16}/i
const ESCAPED = /%([0-9a-f]{2})/gi
/**
 * As a part of a multipart body names itself, also quoted otherwise than usual, without a name by its Content-ID (Rack),
 * or extended (RFC 2231), which no honest form does. White space that does not end is unsure.
 */
const PART =
  /[^\w-]name\*|(?:name\s{0,99}=|content-id:)(?:\s{100}|\s{0,99}(?:["'<][\s[\]]{100}|(?:["'<][\s[\]]{0,99}|[[\]]{0,99})(?:[_.]|\[)method[^\w-]))/i
/** Longest beginning of such a name that can be cut off by the end of a piece. */
const PART_TAIL = 512
/** Characters of a name: shorter than `_method` it is none, and an escape is three. */
const [NAME_MIN, NAME_MAX] = [7, 64]
/** The key of an object, each character also as an escape. */
const KEY = new RegExp(
  `"${[...'_method'].map((each) => `(?:${each}|\\\\u00${each.charCodeAt(0).toString(16)})`).join('')}"(?:\\s{0,99}:|\\s{100})`,
  'i',
)
const KEY_TAIL = 160

/** `name`: raw or decoded. */
export const isMethodParameter = (name: string): boolean =>
  PARAMETER.test(name) || PARAMETER.test(decoded(name))

export interface OverrideSearch {
  /** Whether the body, with this piece, names a method. */
  push(piece: Buffer): boolean
}

/**
 * For a body of these content types; none at all is read as a form by some. `undefined`: nobody reads it so. A type ends
 * at `;` `,` or a space (PHP, Rack), and JSON is looked for in the whole field (Laravel).
 */
export function overrideSearch(contentTypes: readonly string[]): OverrideSearch | undefined {
  const types = contentTypes.map((type) => (type.trim().split(/[;,\s]/, 1)[0] ?? '').toLowerCase())
  const isForm = (type: string): boolean => type === '' || type === 'application/x-www-form-urlencoded'
  const searches = [
    ...(types.length === 0 || types.some(isForm) ? [new PairSearch()] : []),
    ...(types.some((type) => type.startsWith('multipart/')) ? [new TextSearch(PART, PART_TAIL, /\\/g)] : []),
    // In any Unicode encoding: what is left without NUL is ASCII.
    ...(contentTypes.some((type) => /[/+]json/i.test(type)) ? [new TextSearch(KEY, KEY_TAIL, /\0/g)] : []),
  ]
  if (searches.length === 0) return undefined
  return { push: (piece) => searches.map((search) => search.push(piece)).includes(true) }
}

class PairSearch implements OverrideSearch {
  /** Of the pair at hand; `undefined` within its value. */
  #name: string | undefined = ''

  push(piece: Buffer): boolean {
    for (const character of piece.toString('latin1')) {
      if (character === '&' || character === ';') {
        if (this.#isOverride()) return true
        this.#name = ''
      } else if (this.#name === undefined) continue
      else if (character === '=') {
        if (this.#isOverride()) return true
        this.#name = undefined
      } else if (this.#name.length < NAME_MAX && !(this.#name === '' && /[\s+]/.test(character)))
        this.#name += character
    }
    return false
  }

  #isOverride(): boolean {
    return this.#name !== undefined && this.#name.length >= NAME_MIN && isMethodParameter(this.#name)
  }
}

class TextSearch implements OverrideSearch {
  readonly #pattern: RegExp
  readonly #tailMax: number
  /** Characters that a reader leaves out (Rack undoes `\` in a quoted name). */
  readonly #skipped: RegExp
  #tail = ''

  constructor(pattern: RegExp, tailMax: number, skipped: RegExp) {
    this.#pattern = pattern
    this.#tailMax = tailMax
    this.#skipped = skipped
  }

  push(piece: Buffer): boolean {
    const text = this.#tail + piece.toString('latin1').replaceAll(this.#skipped, '')
    this.#tail = text.slice(-this.#tailMax)
    return this.#pattern.test(text)
  }
}

/** Byte by byte, and a broken escape stays as it is. */
function decoded(name: string): string {
  return name
    .replaceAll('+', ' ')
    .replaceAll(ESCAPED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
