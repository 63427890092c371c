/** A text as a reader takes it in: escapes read, tags and characters that are not drawn taken out, one space between words, lower case. */

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', zwnj: '', zwj: '', shy: '' } // prettier-ignore
const ESCAPE =
  /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,5}));|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|\\([nrt"'/\\])|%([0-9a-f]{2})/gi
/** Format characters, joiners, soft hyphens, fillers, variation selectors and tags; marks above and below letters. */
const NOT_DRAWN = /[\p{Cf}\p{Mn}\u115f\u1160\u3164\uffa0]/gu
const TAG = /<\/?[a-z!][^<>]{0,500}>/gi

export function plain(text: string): string {
  return drawn(unescaped(text))
    .replaceAll(TAG, betweenTags)
    .toLowerCase()
    .replaceAll(/[*_`~#>|]{1,10}/g, ' ')
    .replaceAll(/(?:[\s,;]|:(?!\/)){1,1000}/g, ' ')
}

const drawn = (text: string): string =>
  BEYOND_ASCII.test(text) ? text.normalize('NFKD').replaceAll(NOT_DRAWN, '') : text

const BEYOND_ASCII = /[^\0-\x7f]/
const INLINE =
  /^<\/?(?:a|abbr|b|bdi|bdo|cite|code|del|em|font|i|ins|kbd|mark|q|s|small|span|strong|sub|sup|u|wbr)\b/i

/** A tag inside a word parts nothing; a block does. */
const betweenTags = (tag: string): string => (INLINE.test(tag) ? '' : ' ')

export function unescaped(text: string): string {
  if (!/[&\\%]/.test(text)) return text
  return text.replaceAll(
    ESCAPE,
    (
      whole,
      decimal?: string,
      hex?: string,
      name?: string,
      unit?: string,
      byte?: string,
      sign?: string,
      percent?: string,
    ) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole
      if (sign !== undefined) return /[nrt]/.test(sign) ? ' ' : sign
      const code =
        decimal === undefined ? Number.parseInt(hex ?? unit ?? byte ?? percent ?? '', 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ' '
    },
  )
}
