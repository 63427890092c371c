/** What one bottle's egress is told of the secrets and placeholders of the others: never a value, and nothing that gives one back. */
import type { BottleMarks } from '../../manifest/marks.ts'
import type { OtherBottles } from '../../model/known.ts'
import type { Secret } from '../../model/secret.ts'
import { foreignDigest, foreignPrints } from '../../../sidecars/detect/foreign.ts'
import type { Desired } from '../../resources/desired.ts'
import { foreignSecrets } from '../../resources/bundle/foreign.ts'
import type { Home } from '../../state/home.ts'
import { derivedFrom } from './digest-key.ts'

export interface OthersRequest {
  readonly desired: Desired
  readonly home: Home
  /** Values that could be had, by SecretId. */
  readonly found: ReadonlyMap<string, Secret>
  readonly marksOf: (bottle: string) => BottleMarks | undefined
}

export function othersOf(bottle: string, { desired, home, found, marksOf }: OthersRequest): OtherBottles {
  const key = keyOf(home, desired.stack)
  const placeholders = desired.bottles
    .filter((other) => other !== bottle)
    .flatMap((other) =>
      Object.entries(marksOf(other)?.placeholders ?? {}).map(([id, text]) => [`${other} ${id}`, text]),
    )
  const values = foreignSecrets(desired.resources, bottle).map((id) => {
    const secret = found.get(id)
    return [id, secret ? foreignPrints(key, secret.reveal()) : null] as const
  })
  return {
    placeholders: Object.fromEntries(placeholders),
    key: key.toString('hex'),
    values: Object.fromEntries(values),
  }
}

/** By which a plan sees that a value which egress knows only by its print has changed. */
export function digestsOf(
  found: ReadonlyMap<string, Secret>,
  home: Home,
  stack: string,
): Readonly<Record<string, string>> {
  const key = keyOf(home, stack)
  return Object.fromEntries([...found].map(([id, secret]) => [id, foreignDigest(key, secret.reveal())]))
}

export const keyOf = (home: Home, stack: string): Buffer =>
  Buffer.from(derivedFrom(home)('prints', stack), 'hex')
