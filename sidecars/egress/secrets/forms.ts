/** The forms in which one credential may come back (containment.md, rule 17). What is not listed here is not caught; docs/containment.md says so. */
import { base64Core, htmlEscaped } from '../../detect/spelling.ts'

/** One byte string to look for; `folded`: letters in either case. */
export interface Form {
  readonly bytes: Buffer
  readonly folded: boolean
}

/** Shorter pieces would match by chance. */
const SHORTEST = 4

/**
 * Raw, JSON-escaped (also with `\/` and all-`\u`), HTML-escaped, percent (component, form, every byte), hexadecimal, base64 at
 * each of three alignments in both alphabets. `rendered` are whole header values made of it (Basic).
 */
export function formsOf(value: string, rendered: readonly string[]): readonly Form[] {
  const forms = new Map<string, Form>()
  const add = (text: string, folded = false): void => {
    if (text.length < SHORTEST) return
    const form = { bytes: Buffer.from(text), folded }
    forms.set(`${folded ? 'i' : 's'}${text}`, form)
  }
  for (const text of [value, ...rendered]) {
    add(text)
    add(slashed(text))
    const bytes = Buffer.from(text)
    for (const alignment of [0, 1, 2]) {
      const encoded = base64Core(bytes, alignment)
      add(encoded)
      add(slashed(encoded))
      add(encodeURIComponent(encoded))
      add(encoded.replaceAll('+', '-').replaceAll('/', '_'))
    }
    add(bytes.toString('hex'), true)
    add(encodeURIComponent(text), true)
    add(encodeURIComponent(text).replaceAll('%20', '+'), true)
    add(everyByte(bytes), true)
  }
  const json = JSON.stringify(value).slice(1, -1)
  add(json)
  add(slashed(json))
  add(
    [...Buffer.from(value, 'utf16le').swap16().toString('hex').matchAll(/.{4}/g)]
      .map(([unit]) => `\\u${unit}`)
      .join(''),
    true,
  )
  add(jsonHtmlSafe(json), true)
  add(htmlEscaped(value))
  return [...forms.values()]
}

const slashed = (text: string): string => text.replaceAll('/', '\\/')
const everyByte = (bytes: Buffer): string =>
  [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')

/** As Go and several frameworks write JSON. */
const jsonHtmlSafe = (json: string): string =>
  json.replaceAll(/[<>&'+=]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
