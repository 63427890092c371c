/** What egress of one bottle recognises beside the values that it puts on requests, and how that is compared. Pure. */
import { digestOf } from './json.ts'

/** Nothing of this is a secret of a user. */
export interface Marks {
  /** What the agent holds in place of a value, by the SecretId it stands for. */
  readonly placeholders?: Readonly<Record<string, string>>
  /** Lies in the agent's environment and is used by nobody: who sends it was told to. */
  readonly canary?: string
}

/** Digests by what is recognised: `canary`, `placeholder/<SecretId>`. */
export function knownMarks({ placeholders = {}, canary }: Marks): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...(canary === undefined ? [] : [['canary', digest(canary)]]),
    ...Object.entries(placeholders).map(([id, value]) => [`placeholder/${id}`, digest(value)]),
  ])
}

const digest = (value: string): string => digestOf(value).slice(0, 16)
