/**
 * The two uses of a bundle's uplink token. The supervisor keeps the token itself and reports with it; the daemon
 * gets a token derived from it that only dials: a daemon taken over cannot report in the supervisor's name.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Shortest token accepted, characters: nobody guesses one. */
export const TOKEN_MIN = 32
export const TOKEN_MAX = 256

export function dialToken(token: string): string {
  return createHmac('sha256', token).update('dial').digest('base64url')
}

/** What is kept of a token. */
export function tokenDigest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

export function sameToken(digest: Buffer, token: string): boolean {
  return timingSafeEqual(digest, tokenDigest(token))
}
