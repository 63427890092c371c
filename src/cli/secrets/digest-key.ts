/**
 * The key of this installation under which values appear as digests: who sees a digest cannot try values against it.
 * What bottles are given beside the manifest is made of it too, in a way that no digest of a value can equal.
 */
import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Derived } from '../../manifest/marks.ts'
import { readProtected, writeProtected } from '../../state/protected.ts'
import type { Home } from '../../state/home.ts'

export function keyedDigest(home: Home): (value: string) => string {
  const key = keyOf(home)
  return (value) => createHmac('sha256', key).update(value).digest('hex')
}

export function derivedFrom(home: Home): Derived {
  const key = keyOf(home)
  return (...words) => Buffer.from(hkdfSync('sha256', key, 'bot-bottle', labelOf(words), 32)).toString('hex')
}

const labelOf = (words: readonly string[]): Buffer =>
  createHash('sha256').update(JSON.stringify(words)).digest()

function keyOf(home: Home): string {
  const path = join(home.dir, 'digest-key')
  const key = readProtected(path)?.trim()
  if (key !== undefined && key !== '') return key
  const made = randomBytes(32).toString('hex')
  writeProtected(path, `${made}\n`)
  return made
}
