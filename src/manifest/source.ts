/**
 * From bytes to text, and from offsets to places. Refuses what no person can have meant: files that are too large,
 * not UTF-8, or hold control characters or marks that make text read otherwise than it is.
 */
import { createHash } from 'node:crypto'
import type { Place } from '../model/diagnostic.ts'
import type { Report } from './report.ts'

/** Bytes. */
export const MANIFEST_MAX = 1024 * 1024

/** One file as it was read; `file` is the name that places use. */
export interface Source {
  readonly file: string
  /** Relative paths in it count from here. */
  readonly folder: string
  /** Absolute; `-` for standard input. */
  readonly path: string
  readonly bytes: Uint8Array
}

export interface SourceText {
  readonly file: string
  readonly text: string
  place(offset: number, length?: number): Place
}

export function digestOfSource(source: Source): string {
  return createHash('sha256').update(source.bytes).digest('hex')
}

/** The text; `undefined` when nothing can be read from it. */
export function decode(source: Source, report: Report): SourceText | undefined {
  const { file, bytes } = source
  const top = { file, line: 1, column: 1 }
  if (bytes.length > MANIFEST_MAX) {
    report.error(
      'file-too-large',
      top,
      `the file has ${bytes.length} bytes; the limit is ${MANIFEST_MAX} (1 MiB)`,
      'spread the bottles over several files of one folder and give the folder to -f',
    )
    return undefined
  }
  const bad = invalidUtf8(bytes)
  if (bad !== undefined) {
    const before = sourceText(file, new TextDecoder().decode(bytes.subarray(0, bad)))
    report.error(
      'not-utf8',
      before.place(before.text.length),
      'the file is not UTF-8 from here on',
      'save it as UTF-8',
    )
    return undefined
  }
  const text = sourceText(file, new TextDecoder('utf-8', { ignoreBOM: false }).decode(bytes))
  const count = report.errors
  for (const hidden of text.text.matchAll(HIDDEN)) {
    const code = hidden[0].codePointAt(0) ?? 0
    const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
    if (code > 0xff)
      report.error(
        'hidden-character',
        text.place(hidden.index),
        `${name} makes text read otherwise than it is`,
        'remove it',
      )
    else
      report.error(
        'control-character',
        text.place(hidden.index),
        `the control character ${name} cannot stand in a manifest`,
        'remove it',
      )
    if (report.errors >= count + 20) break
  }
  return report.errors > count ? undefined : text
}

// C0 but tab, line feed and carriage return; DEL; C1; marks that change the reading direction.
// oxlint-disable-next-line no-control-regex
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

function invalidUtf8(bytes: Uint8Array): number | undefined {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return undefined
  } catch {
    return firstInvalid(bytes)
  }
}

function firstInvalid(bytes: Uint8Array): number {
  let low = 0
  let high = bytes.length
  // The longest prefix that decodes; a sequence cut in the middle counts as good so far.
  while (low < high) {
    const middle = (low + high + 1) >> 1
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true })
      low = middle
    } catch {
      high = middle - 1
    }
  }
  return low
}

export function sourceText(file: string, text: string): SourceText {
  let starts: number[] | undefined
  return {
    file,
    text,
    place(offset, length) {
      starts ??= lineStarts(text)
      const capped = Math.max(0, Math.min(offset, text.length))
      let low = 0
      let high = starts.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if ((starts[middle] ?? 0) <= capped) low = middle
        else high = middle - 1
      }
      const start = starts[low] ?? 0
      const end = (starts[low + 1] ?? text.length + 1) - 1
      const shown = Math.min(length ?? 1, Math.max(1, end - capped))
      return { file, line: low + 1, column: capped - start + 1, ...(shown > 1 ? { length: shown } : {}) }
    },
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let index = text.indexOf('\n'); index !== -1; index = text.indexOf('\n', index + 1))
    starts.push(index + 1)
  return starts
}
