/**
 * What carries data out without being a body: a name under a wildcard, a long path or query. Not what it says is looked
 * at, which may be encrypted, but how much of it no person and no program would write. Thresholds are such that
 * ordinary names, signed links and single sign-on stay below them.
 */
import { entropy } from './checksum.ts'

/** What is asked for, as far as it can carry data. */
export interface Carrier {
  /** The label under a wildcard of the manifest; undefined: the host is declared by name. */
  readonly label: string | undefined
  /** Path and query, as they will be sent. */
  readonly target: string
}

/** Longer than a SHA-1 in hexadecimal and what clouds name their hosts; 44 signs of base32 are 27 bytes. */
const LABEL = /[a-z0-9]{44,}/i
const LABEL_ENTROPY = 3.3
/** Bytes of encoded runs in one target: session tokens, signatures and requests of single sign-on are shorter. */
const TARGET_MOST = 4096
/** Runs count from these lengths on; escapes of the signs of base64 belong to them. */
const RUN = /(?:[A-Za-z0-9_-]|%2[bBfF]|%3[dD]){24,}/g
const HEX_LEAST = 100
const HEX = /^[0-9a-f]+$/i
/** Letters of both cases and digits, as words and names have them seldom for so long. */
const MIXED = /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])/
/** Bits per sign. */
const RUN_ENTROPY = 3.6
const HEX_ENTROPY = 3.3

export type CarryingRule = 'exfiltration/label' | 'exfiltration/target'

export function* carrying({ label, target }: Carrier): Generator<CarryingRule> {
  const [run] = (label !== undefined && LABEL.exec(label)) || []
  if (run !== undefined && /[0-9]/.test(run) && entropy(run) >= LABEL_ENTROPY) yield 'exfiltration/label'
  if (target.length > TARGET_MOST && encodedLength(target) > TARGET_MOST) yield 'exfiltration/target'
}

function encodedLength(target: string): number {
  let length = 0
  for (const [run] of target.matchAll(RUN)) if (isEncoded(run)) length += run.length
  return length
}

function isEncoded(run: string): boolean {
  if (HEX.test(run)) return run.length >= HEX_LEAST && entropy(run) >= HEX_ENTROPY
  return MIXED.test(run) && entropy(run) >= RUN_ENTROPY
}
