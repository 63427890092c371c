/**
 * Who saved a plan. A saved plan says which files are read and what is forced, so a file that anybody could write must
 * not be carried out: its content is signed with a key that lies only in the state folder (0600), made at first need.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { RefusedError } from '../model/errors.ts'
import { canonical } from '../model/json.ts'
import type { Home } from './home.ts'
import { keptOnce } from './protected.ts'

/** HMAC-SHA256 of the canonical content, hex. */
export function signatureOf(content: unknown, home: Home): string {
  return createHmac('sha256', keyOf(home))
    .update('bot-bottle saved plan\n')
    .update(canonical(content))
    .digest('hex')
}

export function isSignedHere(content: unknown, signature: unknown, home: Home): boolean {
  if (typeof signature !== 'string') return false
  const [given, wanted] = [Buffer.from(signature), Buffer.from(signatureOf(content, home))]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

const KEY = /^[0-9a-f]{64}$/

function keyOf({ dir }: Home): Buffer {
  const path = join(dir, 'plan-key')
  const key = keptOnce(path, () => `${randomBytes(32).toString('hex')}\n`).trim()
  if (KEY.test(key)) return Buffer.from(key, 'hex')
  throw new RefusedError(`${path} does not hold a key`, {
    code: 'plan-key-damaged',
    hint: `remove ${path}; plans saved before have to be saved again`,
  })
}
