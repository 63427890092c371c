/**
 * The scanner's place in the pipeline. `forward()` of egress takes a `Scanned` token, and only this file makes one, so
 * that an exception or a time-out of a detector cannot become a request that was not looked at. Detectors come later;
 * until then everything scans clean and bodies pass unchanged.
 */
import type { JudgedRequest } from '../policy/judge.ts'

/** What a scan found: a stable rule id and where, never the value. */
export interface Finding {
  readonly rule: string
  readonly place: string
}

/** Looks at a body piece by piece, holding back at most the longest pattern. */
export interface BodyScan {
  /** The bytes that may go on now, or a finding that stops the body. */
  push(piece: Buffer): Buffer | Finding
  end(): Buffer | Finding
}

/** What only a scan can make. */
export type Scanned = ScannedRequest

class ScannedRequest {
  readonly #scanned = true
  /** `undefined`: the body needs no look. */
  readonly body: BodyScan | undefined

  constructor(body: BodyScan | undefined) {
    this.body = body
  }

  static made(value: object): boolean {
    return #scanned in value && value.#scanned
  }
}

export const isScanned = (value: object): value is Scanned => ScannedRequest.made(value)

/** Scans what is known before the body: authority, path, query, headers as the agent sent them, before injection. */
export function scanRequest(_request: JudgedRequest): Scanned | Finding {
  return new ScannedRequest(undefined)
}
