/** The marks of a text by what each kind of reading can begin with. */
import { ESCAPE_KINDS } from './escapes.ts'
import { STRANGE } from './folding.ts'
import { ALIKE, ESCAPED, Marks, PACKED } from './marks.ts'
import { BEGINNING } from './packed.ts'
import { TWO_BYTES } from './view.ts'

const KINDS = new Uint8Array(TWO_BYTES)
for (let pair = 0; pair < TWO_BYTES; pair++)
  KINDS[pair] =
    (BEGINNING[pair] === 0 ? 0 : PACKED) |
    ((STRANGE[pair & 255] as number) | (STRANGE[pair >> 8] as number) ? ALIKE : 0) |
    (ESCAPE_KINDS[pair] === 0 ? 0 : ESCAPED)

export const marksOf = (bytes: Uint8Array): Marks => new Marks(bytes, KINDS)
