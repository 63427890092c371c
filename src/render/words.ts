/** Numbers, times and values as people read them (ux.md, Words). */
import type { Json } from '../model/json.ts'
import { placeText } from '../model/diagnostic.ts'
import type { Place } from '../model/diagnostic.ts'
import { safeText } from '../model/text.ts'

/** `0.3 s`, `42 s`, `12 min`, `2 h`, `12 days`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 59.5) return `${Math.round(seconds)} s`
  const minutes = seconds / 60
  if (minutes < 59.5) return `${Math.round(minutes)} min`
  const hours = minutes / 60
  if (hours < 47.5) return `${Math.round(hours)} h`
  return `${Math.round(hours / 24)} days`
}

/** Of memory: `412 MiB`, `1.5 GiB`, `4 GiB`; the units in which a manifest gives it. */
export function memorySize(count: number): string {
  const mebibytes = count / 2 ** 20
  if (mebibytes < 1023.5) return `${Math.round(mebibytes)} MiB`
  const gibibytes = mebibytes / 1024
  return `${gibibytes < 9.95 ? gibibytes.toFixed(1).replace('.0', '') : Math.round(gibibytes)} GiB`
}

/** Of traffic: `512 B`, `1.5 kB`, `412 MB`; decimal units. */
export function dataSize(count: number): string {
  if (count < 1000) return `${count} B`
  const power = count < 999_500 ? 1 : count < 999_500_000 ? 2 : 3
  const units = count / 1000 ** power
  return `${units < 9.95 ? units.toFixed(1) : Math.round(units)} ${['B', 'kB', 'MB', 'GB'][power]}`
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

export function placeOf(place: Place): string {
  return safeText(placeText(place))
}

/** A whole SHA-256 tells nobody more than its first twelve digits. */
const DIGEST = /^[0-9a-f]{64}$/

/** One observed or desired value on one line. Strings stand bare unless that would be ambiguous. */
export function valueOf(value: Json | undefined, max = 120): string {
  if (value === undefined) return '(none)'
  if (typeof value === 'string') return safeText(DIGEST.test(value) ? value.slice(0, 12) : bare(value), max)
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null)) {
    return safeText(
      `[${value.map((item) => (typeof item === 'string' ? bare(item) : String(item))).join(', ')}]`,
      max,
    )
  }
  return safeText(JSON.stringify(value), max)
}

function bare(text: string): string {
  return text === '' || /^\s|\s$|^\(none\)$/.test(text) ? JSON.stringify(text) : text
}
