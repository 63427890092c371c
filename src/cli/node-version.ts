/** Which Node the program runs on. An older one loads it and fails somewhere in the middle. */
import { UsageError } from '../model/errors.ts'

/** As `engines` in package.json. */
const LEAST = 24

export function requireNode(version: string): void {
  if (Number.parseInt(version, 10) >= LEAST) return
  throw new UsageError(`bot-bottle needs Node ${LEAST} or newer, and runs on ${version}`, {
    code: 'node-too-old',
    hint: `put Node ${LEAST} first on PATH`,
  })
}
