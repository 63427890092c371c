/** Makes of a shape what the scanner's loop needs: sets of bytes, lengths, a sticky expression. */
import { CHECKSUMS } from '../checksum.ts'
import { includes, PatternError, readClass, readPattern, readPlaces, union } from './pattern.ts'
import type { ByteSet, Row } from './pattern.ts'
import { LONGEST } from './shape.ts'
import type { ScannedShape } from './shape.ts'

export interface CompiledShape {
  readonly rule: string
  readonly expression: RegExp
  readonly min: number
  readonly max: number
  readonly rest: ByteSet
  readonly head: readonly ByteSet[]
  /** A row that stands in every match behind its head. Undefined: the head says as much. */
  readonly row: Row | undefined
  readonly before: ByteSet | undefined
  readonly after: ByteSet | undefined
  /** At most so many bytes of a match lie before its anchor. */
  readonly lead: number
  /** The bytes that can lie there; `undefined` where `lead` is 0. */
  readonly leading: ByteSet | undefined
  /** A match begins where the run of `leading` does, not `lead` bytes before the anchor. */
  readonly searched: boolean
  readonly holds: ((value: string) => boolean) | undefined
  readonly entropy: number
  readonly documented: ReadonlySet<string>
}

/** The places of each anchor: all of a shape that a search needs until one is found. */
export const anchorsOf = ({ anchors, anyCase }: ScannedShape): readonly (readonly ByteSet[])[] =>
  anchors.map((anchor) => readPlaces(anchor, anyCase))

/** The most bytes of a match that lie before its anchor. */
export const leadOf = ({ lookback, offset }: ScannedShape): number => lookback?.max ?? offset

export function compileShape(shape: ScannedShape): CompiledShape {
  const { pattern, anyCase, lookback, offset } = shape
  const { min, max, rest, head, row } = readPattern(pattern, anyCase)
  if (max >= LONGEST) throw new PatternError(pattern, 0, 'a match may be too long')
  const before = shape.before === undefined ? undefined : readClass(shape.before, anyCase)
  const leading = lookback
    ? readClass(lookback.class, anyCase)
    : offset > 0
      ? union(head.slice(0, offset))
      : undefined
  if (offset > head.length) throw new PatternError(pattern, 0, 'the offset lies beyond the fixed places')
  // A run that is cut, because what lies before it was decided already, must not look like the beginning of a match.
  if (lookback && (before === undefined || leading === undefined || !includes(before, leading)))
    throw new PatternError(pattern, 0, 'a searched beginning needs a boundary of its own class')
  return {
    rule: shape.rule,
    expression: new RegExp(pattern, anyCase ? 'iy' : 'y'),
    min,
    max,
    rest,
    head,
    row: row.length > head.length ? row : undefined,
    before,
    after: shape.after === undefined ? undefined : readClass(shape.after, anyCase),
    lead: leadOf(shape),
    leading,
    searched: lookback !== undefined,
    holds: shape.checksum === undefined ? undefined : CHECKSUMS[shape.checksum],
    entropy: shape.entropy,
    documented: new Set(shape.documented),
  }
}
