/** What egress of one bottle recognises beside the values that it puts on requests, and how that is compared. Pure. */
import { digestOf } from './json.ts'
import type { DetectorShapes } from './token-shape.ts'

/** Nothing of this is a secret of a user, or can be turned back into one. */
export interface Marks {
  /** What the agent holds in place of a value, by the SecretId it stands for. */
  readonly placeholders?: Readonly<Record<string, string>>
  /** Lies in the agent's environment and is used by nobody: who sends it was told to. */
  readonly canary?: string
  /** What other bottles of the stack hold. */
  readonly others?: OtherBottles
  /** Kinds of tokens beside those that every egress knows; absent: none. */
  readonly detectors?: DetectorShapes
}

export interface OtherBottles {
  /** By bottle and SecretId, `reviewer env:NPM_TOKEN`. */
  readonly placeholders: Readonly<Record<string, string>>
  /** Key of the digests, hexadecimal. */
  readonly key: string
  /** Prints of values by SecretId; none: too short to be told. `null`: the value could not be had, what is known of it is kept. */
  readonly values: Readonly<Record<string, readonly ForeignPrint[] | null>>
}

/** A value in one of its spellings, for a process that must not hold it (`sidecars/detect/foreign.ts`). */
export interface ForeignPrint {
  /** Squashed bytes of the whole. */
  readonly length: number
  /** 16 bits of its last four squashed bytes. */
  readonly glimpse: number
  /** Hash of its last few. */
  readonly tail: number
  /** HMAC-SHA-256 of all of them, first 16 bytes, hexadecimal. */
  readonly digest: string
}

/** The same of a value that may be named to whoever reads a refusal. */
export interface NamedPrint extends ForeignPrint {
  /** Default: that it is of another bottle. */
  readonly rule?: string
}

/** Digests by what is recognised: `canary`, `placeholder/<SecretId>`, `detector/<name>`, `other/<SecretId>`, `placeholders of others`. */
export function knownMarks({
  placeholders = {},
  canary,
  others,
  detectors = {},
}: Marks): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...(canary === undefined ? [] : [['canary', digest(canary)]]),
    ...Object.entries(placeholders).map(([id, value]) => [`placeholder/${id}`, digest(value)]),
    ...Object.entries(detectors).map(([name, shapes]) => [`detector/${name}`, digest(shapes)]),
    // One for all of them: a stack of a hundred bottles has thousands, in the answer of every bundle.
    ...(others && Object.keys(others.placeholders).length > 0
      ? [['placeholders of others', digest(others.placeholders)]]
      : []),
    ...Object.entries(others?.values ?? {}).map(([id, prints]) => [
      `${OTHER}${id}`,
      prints?.[0]?.digest ?? '',
    ]),
  ])
}

const OTHER = 'other/'
/** What is declared of another bottle's value: a plan does not know it. */
const CURRENT = 'current'

/** What is declared of values of other bottles. */
export const knownValues = (ids: Iterable<string>): Readonly<Record<string, string>> =>
  Object.fromEntries([...ids].map((id) => [`${OTHER}${id}`, CURRENT]))

/** What egress says that it knows, in the terms in which it is declared. `digests`: of values that can be had here, by SecretId. */
export function knownAsDeclared(
  known: Readonly<Record<string, string>>,
  digests: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(known).map(([name, told]) => {
      if (!name.startsWith(OTHER)) return [name, told]
      const wanted = digests[name.slice(OTHER.length)]
      return [name, wanted === undefined || wanted === told ? CURRENT : 'changed']
    }),
  )
}

/** The next marks with what is kept of the present ones. */
export function keptMarks(next: Marks, present: Marks | undefined): Pick<Marks, 'others'> {
  if (next.others === undefined) return {}
  const values = Object.entries(next.others.values).map(([id, prints]) => [
    id,
    prints ?? present?.others?.values[id] ?? [],
  ])
  return { others: { ...next.others, values: Object.fromEntries(values) } }
}

const digest = (value: unknown): string => digestOf(value).slice(0, 16)
