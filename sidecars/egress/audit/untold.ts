/** What the audit tells of a request that was not scanned before it was refused: what scanning finds in it is masked. */
import { lookThrough } from '../../detect/look.ts'
import type { Detectors } from '../../detect/look.ts'

/** `text`: a host or a path, of bytes as characters. */
export function untold(text: string, detectors: Detectors): string {
  const { hits } = lookThrough(Buffer.from(text, 'latin1'), detectors)
  return hits.reduce((shown, { start, end }) => masked(shown, start, end), text)
}

const masked = (text: string, start: number, end: number): string =>
  `${text.slice(0, start)}${'*'.repeat(end - start)}${text.slice(end)}`
