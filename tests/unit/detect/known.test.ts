import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprints, squash, WINDOW } from '../../../sidecars/detect/fingerprint.ts'
import { KnownSearch, KnownSecrets } from '../../../sidecars/detect/known.ts'

const key = Buffer.alloc(32, 7)
const secret = 's3cr3t/Value+With=Signs-0123'
const search = (...values: readonly string[]) =>
  new KnownSearch(
    new KnownSecrets(
      key,
      values.flatMap((value, index) => fingerprints(key, `env:S${index}`, value)),
    ),
  )
const found = (text: string | Buffer, ...values: readonly string[]) =>
  search(...(values.length === 0 ? [secret] : values))
    .push(Buffer.from(text as string))
    .map(({ id }) => id)

const hex = Buffer.from(secret).toString('hex')
const escaped = (before: string, after = '') =>
  [...Buffer.from(secret)].map((byte) => `${before}${byte.toString(16).padStart(2, '0')}${after}`).join('')

/** What must be found in one layer; `docs/egress.md` has the same table. */
const WRITTEN: Readonly<Record<string, string | Buffer>> = {
  'as it is': secret,
  'in other case': secret.toUpperCase(),
  'with separators': [...secret].join('.'),
  'with zero-width characters': [...secret].join('\u200b'),
  'over several lines': [...secret].join('\r\n'),
  'in hexadecimal': hex,
  'in hexadecimal with colons': hex.replaceAll(/(..)/g, '$1:'),
  'in escapes of bytes': escaped('\\x'),
  'in Unicode escapes': escaped('\\u00'),
  'in a list of bytes': JSON.stringify([...Buffer.from(secret)]),
  'in entities of decimal numbers': [...Buffer.from(secret)].map((byte) => `&#${byte};`).join(''),
  'in entities of hexadecimal numbers': escaped('&#x', ';'),
  'in percent escapes': encodeURIComponent(secret),
  'in percent escapes of every byte': escaped('%'),
  'in percent escapes, twice': encodeURIComponent(encodeURIComponent(secret)),
  'in percent escapes of every byte, twice': escaped('%25'),
  'in base64': Buffer.from(secret).toString('base64'),
  'in base64, one byte later': Buffer.from(`x${secret}`).toString('base64'),
  'in base64, two bytes later': Buffer.from(`xy${secret}`).toString('base64'),
  'in base64 of the other alphabet': Buffer.from(`{"k":"${secret}"}`).toString('base64url'),
  'in base64 over lines': Buffer.from(secret)
    .toString('base64')
    .replaceAll(/(.{8})/g, '$1\r\n'),
  'in base64 of UTF-16': Buffer.from(secret, 'utf16le').toString('base64'),
  'in UTF-16': Buffer.from(secret, 'utf16le'),
  'in UTF-16, big end first': Buffer.from(secret, 'utf16le').swap16(),
  backwards: [...secret].reverse().join(''),
  'in hexadecimal, backwards': [...hex].reverse().join(''),
  'in rot13': secret.replaceAll(/[a-z]/gi, (letter) =>
    String.fromCharCode(letter.charCodeAt(0) + (letter.toLowerCase() < 'n' ? 13 : -13)),
  ),
}

describe('A known secret is recognised', () => {
  for (const [form, text] of Object.entries(WRITTEN)) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(form, () => {
      const around = Buffer.concat([
        Buffer.from('before: "'),
        Buffer.from(text as string),
        Buffer.from('" after'),
      ])
      expect(found(around)).toContain('env:S0')
    })
  }

  it('in base32, at each place of a group', () => {
    // RFC 4648, section 10, has no such long vector: these were made with coreutils.
    expect(found('OMZWG4RTOQXVMYLMOVSSWV3JORUD2U3JM5XHGLJQGEZDG===')).toEqual(['env:S0'])
    expect(found('PBZTGY3SGN2C6VTBNR2WKK2XNF2GQPKTNFTW44ZNGAYTEMY=')).toEqual(['env:S0'])
  })

  it('wherever the text is cut', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: WINDOW, maxLength: 60 }),
        fc.constantFrom('utf8', 'hex', 'base64') as fc.Arbitrary<BufferEncoding>,
        fc.string(),
        fc.string(),
        fc.array(fc.nat({ max: 40 }), { maxLength: 8 }),
        (value, encoding, before, after, cuts) => {
          fc.pre(squash(Buffer.from(value)).length >= WINDOW)
          const text = Buffer.from(`${before} ${Buffer.from(value).toString(encoding)} ${after}`)
          const one = search(value)
          const hits: string[] = []
          let at = 0
          for (const cut of [...cuts, text.length]) {
            hits.push(...one.push(text.subarray(at, at + cut)).map(({ id }) => id))
            at += cut
          }
          expect(hits).toContain('env:S0')
        },
      ),
    )
  })

  it('by where it stands, also when it began in an earlier piece', () => {
    expect(search(secret).push(Buffer.from(`ab ${secret} cd`))).toMatchObject([
      { start: 3, end: 3 + secret.length },
    ])
    const cut = search(secret)
    expect(cut.push(Buffer.from(`ab ${secret.slice(0, 7)}`))).toEqual([])
    expect(cut.push(Buffer.from(secret.slice(7)))).toMatchObject([{ start: -7, end: secret.length - 7 }])
  })

  it('among many, each by its own name', () => {
    const values = Array.from({ length: 50 }, (_, index) => `value-number-${index}-${'x'.repeat(index)}9`)
    for (const [index, value] of values.entries())
      expect(found(`(${value})`, ...values)).toContain(`env:S${index}`)
  })
})

describe('Fingerprints', () => {
  it('hold neither the value nor a form of it', () => {
    const text = JSON.stringify(fingerprints(key, 'env:S', secret))
    for (const form of [
      secret,
      hex,
      Buffer.from(secret).toString('base64'),
      squash(Buffer.from(secret)).toString(),
    ])
      expect(text).not.toContain(form.slice(0, 8))
  })

  it('of one value under two keys have no digest in common', () => {
    const digests = (one: Buffer) => fingerprints(one, 'env:S', secret).map(({ digest }) => digest)
    const other = new Set(digests(Buffer.alloc(32, 8)))
    expect(digests(key).filter((digest) => other.has(digest))).toEqual([])
  })

  it('are not made of what has too few letters and digits to be told from chance', () => {
    expect(fingerprints(key, 'env:S', 'a-b-c-d-e')).toEqual([])
  })

  it('find nothing in text that differs in one character', () => {
    fc.assert(
      fc.property(fc.nat({ max: secret.length - 1 }), (at) => {
        const other = secret[at] === 'q' ? 'z' : 'q'
        fc.pre(/[a-z0-9]/i.test(secret[at] ?? ''))
        expect(found(`${secret.slice(0, at)}${other}${secret.slice(at + 1)}`)).toEqual([])
      }),
    )
  })
})
