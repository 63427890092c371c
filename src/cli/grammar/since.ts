/** `--since`: `10m` counts back from now; everything else must be a date. */
import { UsageError } from '../../model/errors.ts'

export function sinceTime(text: string, now: number): string {
  const [, digits, unit] = /^(\d+)(s|m|h|d)$/.exec(text) ?? []
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit ?? ''] ?? 0
  const time = digits === undefined ? Date.parse(text) : now - Number(digits) * seconds * 1000
  if (Number.isNaN(time))
    throw new UsageError(`--since takes a time such as 10m or 2026-05-01T10:00:00Z, not \`${text}\``, {
      code: 'bad-option',
    })
  return new Date(time).toISOString()
}
