/** The key of this installation under which values appear as digests: who sees a digest cannot try values against it. */
import { createHmac, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { readProtected, writeProtected } from '../state/protected.ts'
import type { Home } from '../state/home.ts'

export function keyedDigest(home: Home): (value: string) => string {
  const path = join(home.dir, 'digest-key')
  let key = readProtected(path)?.trim()
  if (key === undefined || key === '') {
    key = randomBytes(32).toString('hex')
    writeProtected(path, `${key}\n`)
  }
  const held = key
  return (value) => createHmac('sha256', held).update(value).digest('hex')
}
