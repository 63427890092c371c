/**
 * The stack record: what may change while an object lives and therefore cannot be a label. One JSON file that the
 * uplink keeps in its volume and returns with the policies (contract.md, Names and marks). Uplink down: the record
 * is unknown, and unknown protects.
 */
import type { Json } from './json.ts'

export const RECORD_VERSION = 1

export interface RecordedObject {
  /** Digest of the desired value that was applied last. */
  readonly digest: string
  readonly digestVersion: number
  /** The desired value itself, where live state cannot show it (kind guest). Never a secret. */
  readonly applied?: Json
  /** Engine id of the object this was applied to; another id means it has to be applied again. */
  readonly objectId?: string
  readonly protect?: boolean
}

export interface RecordedBottle {
  readonly label?: string
  readonly color?: string
  /** Halted by `bot-bottle stop`; neither `apply` nor `watch --heal` starts it. */
  readonly stopped?: boolean
}

export interface StackRecord {
  readonly version: typeof RECORD_VERSION
  /** Rises by one with every write. */
  readonly revision: number
  readonly stack: string
  readonly installation: string
  /** Git remote and path, else the absolute path, of the manifest that was applied last. */
  readonly origin: string
  readonly objects: Readonly<Record<string, RecordedObject>>
  readonly bottles: Readonly<Record<string, RecordedBottle>>
}
