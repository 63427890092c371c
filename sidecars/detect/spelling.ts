/** Spellings of a value that both what goes out and what comes back are searched for. */

/** The characters of the base64 text that depend on these bytes alone, with `alignment` bytes in front of them. */
export function base64Core(bytes: Buffer, alignment: number): string {
  const encoded = Buffer.concat([Buffer.alloc(alignment), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const leading = [0, 2, 3][alignment] ?? 0
  // A last character that holds bits of what follows is not ours.
  const whole = Math.floor(((alignment + bytes.length) * 8) / 6)
  return encoded.slice(leading, whole)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
export const htmlEscaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
