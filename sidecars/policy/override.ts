/**
 * Method parameters, by which frameworks take a POST for another method (Rails, Laravel, Symfony, Express): in a query,
 * and in the bodies that servers read as forms. Pure; a body is looked at piece by piece, and nothing is collected.
 */
import { decodeForm } from './path.ts'

/** PHP makes `_` of a `.` or `[` in a name, and ends it at NUL. */
const PARAMETER = /^\s*[_.[]method(?:\0|\[|$)/i
/** As a part of a multipart body names itself, also quoted otherwise than usual or extended (RFC 2231). */
const PART = /name\*?\d{0,2}\*?\s{0,8}=\s{0,8}["']?(?:[\w-]{0,16}'[\w-]{0,8}')?\s{0,8}[_.[]method[^\w-]/i
/** Longest beginning of such a name that can be cut off by the end of a piece. */
const PART_TAIL = 96
/** An escape is three characters; a longer name is not this one. */
const NAME_MAX = 64

export const isMethodParameter = (name: string): boolean => PARAMETER.test(name)

export interface OverrideSearch {
  /** Whether the body, with this piece, names a method. */
  push(piece: Buffer): boolean
}

/** For a body of these content types; none at all is read as a form by some. `undefined`: it is no form. */
export function overrideSearch(contentTypes: readonly string[]): OverrideSearch | undefined {
  const types = contentTypes.map((type) => (type.split(';', 1)[0] ?? '').trim().toLowerCase())
  if (types.some((type) => type.startsWith('multipart/'))) return new PartSearch()
  if (types.length === 0 || types.includes('application/x-www-form-urlencoded')) return new PairSearch()
  return undefined
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
    return this.#name !== undefined && isMethodParameter(decodeForm(this.#name))
  }
}

class PartSearch implements OverrideSearch {
  #tail = ''

  push(piece: Buffer): boolean {
    const text = this.#tail + piece.toString('latin1')
    this.#tail = text.slice(-PART_TAIL)
    return PART.test(text)
  }
}
