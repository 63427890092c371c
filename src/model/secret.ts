/**
 * Secrets are a type of their own. A reference says where a value is had; a `Secret` holds the value and
 * shows itself nowhere: its string, JSON and inspect forms are `‹secret›` (containment.md, rule 19).
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/** Where a value comes from; resolved at apply, never stored (manifest.md, `*_ref`). */
export type SecretRef =
  | { readonly from: 'env'; readonly name: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'command'; readonly argv: readonly string[] }
  /** The sign-in that an agent program keeps on this host; `path`: its file. */
  | { readonly from: 'login'; readonly provider: string; readonly path: string }
  /** `for`: what the value is asked for, in words; two with the same words are one question. */
  | { readonly from: 'ask'; readonly for: string }

/** How a reference is written in plans and errors: the name of the place, never the value. */
export function describeSecretRef(ref: SecretRef): string {
  switch (ref.from) {
    case 'env':
      return ref.name
    case 'file':
      return `file ${ref.path}`
    case 'command':
      return `command ${ref.argv[0] ?? ''}`
    case 'login':
      return `the sign-in of ${ref.provider} on this host`
    case 'ask':
      return `the question for ${ref.for}`
  }
}

export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value. Only code that sends it to the one daemon that uses it calls this. */
  reveal(): string {
    return this.#value
  }

  /** HMAC-SHA256 under a nonce, hex: the question "is it the same value?" without the value (contract.md, Secrets). */
  digest(nonce: string): string {
    return createHmac('sha256', nonce).update(this.#value).digest('hex')
  }

  toString(): string {
    return '‹secret›'
  }

  toJSON(): string {
    return '‹secret›'
  }

  [inspect.custom](): string {
    return '‹secret›'
  }
}

export function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
