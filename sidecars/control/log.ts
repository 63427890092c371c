/** JSON lines on standard output: a constant message, everything variable a field. Never a secret, never a payload. */
import process from 'node:process'
import { pino, type Logger } from 'pino'

export type { Logger }

/** `keep` gets each line too. */
export function createLog(sidecar: string, keep?: (line: object) => void): Logger {
  const write = (line: string): void => {
    process.stdout.write(line)
    keep?.(JSON.parse(line))
  }
  return pino({ base: { sidecar }, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' }, { write })
}
