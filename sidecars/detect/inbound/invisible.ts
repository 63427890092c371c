/** Characters that nobody sees and a model reads: a message written in them, or text turned round by them. */

/** Letters of the tag block: `E0001` and what flags of regions end with are few. */
const TAGS = /[\u{e0020}-\u{e007e}]{12}/u
/** Bytes as variation selectors. */
const SELECTORS = /[\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}]{12}/u
/** Bits as characters of no width; marks that stand alone, or by twos and threes around an emoji, are ordinary. */
const ZERO_WIDTH = /[\u200b-\u200d\u2060-\u2064\ufeff]{24}/

/** Whether a text carries another one in characters that are not drawn. */
export const carriesInvisible = (text: string): boolean =>
  BEYOND_LATIN.test(text) && (TAGS.test(text) || SELECTORS.test(text) || ZERO_WIDTH.test(text))

const BEYOND_LATIN = /[^\0-\u024f]/

const OVERRIDES = /[\u202d\u202e]/
const LETTER_OF_CODE = /[A-Za-z0-9(){};=]/

/** An override that the line does not end, over characters that have one direction of their own (CVE-2021-42574). */
export function turnsText(text: string): boolean {
  if (!BEYOND_LATIN.test(text) || !OVERRIDES.test(text)) return false
  return text.split(/[\n\r\u2028\u2029]/).some((line) => {
    const at = line.search(OVERRIDES)
    return at !== -1 && !line.slice(at).includes('\u202c') && LETTER_OF_CODE.test(line.slice(at))
  })
}
