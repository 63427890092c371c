/** Whether the body of a request names another method, also where it is packed: servers unpack it before they look. */
import { decodeAll } from '../../detect/content.ts'
import { Pieces } from '../../detect/pieces.ts'
import { codingsOf, WHOLE_MAX } from '../../detect/scan.ts'
import { overrideSearch } from '../../policy/override.ts'
import type { OverrideSearch } from '../../policy/override.ts'
import { membersOf } from '../../http/head.ts'
import type { Field } from '../../http/head.ts'

export interface OverrideWatch {
  /** Whether the body is refused with this piece. */
  push(piece: Buffer): boolean
  end(): boolean
}

/** `undefined`: nobody reads such a body so. */
export function overrideWatch(fields: readonly Field[]): OverrideWatch | undefined {
  const types = fields.filter(({ key }) => key === 'content-type')
  const search = overrideSearch(types.map(({ value }) => value))
  if (search === undefined) return undefined
  const codings = codingsOf(membersOf(fields, 'content-encoding'))
  return codings.length === 0
    ? { push: (piece) => search.push(piece), end: () => false }
    : new PackedWatch(search, codings)
}

/** A body with a coding goes on when the scanner has all of it, so that this may wait too. What cannot be unpacked is unsure. */
class PackedWatch implements OverrideWatch {
  readonly #search: OverrideSearch
  readonly #codings: readonly string[]
  readonly #pieces = new Pieces()

  constructor(search: OverrideSearch, codings: readonly string[]) {
    this.#search = search
    this.#codings = codings
  }

  push(piece: Buffer): boolean {
    this.#pieces.push(piece)
    return this.#pieces.length > WHOLE_MAX
  }

  end(): boolean {
    const text = decodeAll(this.#codings, this.#pieces.take())
    return 'opaque' in text || this.#search.push(text.bytes)
  }
}
