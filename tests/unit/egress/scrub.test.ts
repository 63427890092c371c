import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formsOf } from '../../../sidecars/egress/secrets/forms.ts'
import { Matcher, Scrubber } from '../../../sidecars/egress/secrets/scrub.ts'

const value = 'ghp_Abc/123+xyz=="q"'
const matcher = new Matcher([
  { value, rendered: [Buffer.from(`bot:${value}`).toString('base64')] },
  { value: 'other-secret', rendered: [] },
])

function piecesOf(text: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort(
    (a, b) => a - b,
  )
  return places.slice(1).map((end, at) => Buffer.from(text.subarray(places[at], end)))
}

/** What goes on at each piece, the rest at the end. */
function released(by: Matcher, text: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const scrubber = new Scrubber(by)
  return [...piecesOf(text, cuts).map((piece) => scrubber.push(piece)), scrubber.end()]
}

/** The last piece is known to be the last when it comes. */
function throughToEnd(text: Buffer, cuts: readonly number[]): Buffer {
  const scrubber = new Scrubber(matcher)
  const pieces = piecesOf(text, cuts)
  return Buffer.concat([
    ...pieces.slice(0, -1).map((piece) => scrubber.push(piece)),
    scrubber.end(pieces.at(-1)),
  ])
}

const through = (text: Buffer, cuts: readonly number[]): Buffer =>
  Buffer.concat(released(matcher, text, cuts))

/** As most are: letters, digits, `_` and `-`. */
const token = 'ghp_16C7e42F-292c6912E7710c838347Ae178B4a'
const ofToken = new Matcher([{ value: token, rendered: [] }])

const CLASSES = [
  /[A-Za-z0-9+/=_\-.~%&#;:@\\]/,
  /[!$*,?^|`]/,
  /["'()<>[\]{}]/,
  / /,
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f]/,
  /[\u0080-\u00ff]/,
].map((members) =>
  Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => members.test(String.fromCharCode(byte))),
)
const classOf = (byte: number): readonly number[] => CLASSES.find((members) => members.includes(byte))!
/** Any byte of the same class. */
const alike = (byte: number, pick: number): number => classOf(byte)[pick % classOf(byte).length]!

test('(CRD-07) base64 of text around the value is masked at each alignment', () => {
  for (let before = 0; before < 6; before++) {
    const encoded = Buffer.from(`${'x'.repeat(before)}${value} and more`).toString('base64')
    const masked = through(Buffer.from(encoded), []).toString()
    expect(masked).toContain('*'.repeat(20))
    expect(Buffer.from(masked.replaceAll('*', 'A'), 'base64').toString('latin1')).not.toContain(
      value.slice(2, -2),
    )
  }
})

test('(CRD-07) upper-case hexadecimal and percent escapes are masked', () => {
  const hex = Buffer.from(value).toString('hex').toUpperCase()
  expect(through(Buffer.from(hex), []).toString()).toBe('*'.repeat(hex.length))
  const percent = encodeURIComponent(value).replaceAll(/%../g, (escape) => escape.toLowerCase())
  expect(through(Buffer.from(percent), []).toString()).toBe('*'.repeat(percent.length))
})

test('(CRD-07) whatever surrounds a form and wherever it is cut, it is masked and the rest unchanged', () => {
  const forms = formsOf(value, [])
  fc.assert(
    fc.property(
      fc.nat(forms.length - 1),
      fc.stringMatching(/^[ -~]{0,40}$/),
      fc.stringMatching(/^[ -~]{0,40}$/),
      fc.array(fc.nat(400), { maxLength: 12 }),
      (which, before, after, cuts) => {
        const form = forms[which]!.bytes.toString()
        const whole = Buffer.from(`${before}${form}${after}`)
        const masked = through(whole, cuts).toString()
        expect(masked).toHaveLength(whole.length)
        expect(masked).not.toContain(form)
        const text = whole.toString()
        expect(Array.from(masked, (char, at) => (char === '*' ? text[at] : char)).join('')).toBe(text)
      },
    ),
    { numRuns: 1500 },
  )
})

test('(CRD-07) a stream is masked as the same text in one piece, wherever it is cut', () => {
  const forms = formsOf(value, []).map(({ bytes }) => bytes)
  const part = fc.oneof(
    fc.constantFrom(...forms),
    fc.tuple(fc.constantFrom(...forms), fc.nat(60)).map(([form, length]) => form.subarray(0, length)),
    fc.uint8Array({ maxLength: 20 }),
  )
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 6 }),
      fc.array(fc.nat(1500), { maxLength: 20 }),
      (parts, cuts) => {
        const text = Buffer.concat(parts)
        const whole = Buffer.from(text)
        matcher.mask(whole)
        expect(through(text, cuts)).toEqual(whole)
        expect(throughToEnd(text, cuts)).toEqual(whole)
      },
    ),
    { numRuns: 1000 },
  )
})

test('(CRD-07) how much goes on tells nothing but which classes of bytes came', () => {
  const secrets = [token, value, 'pass word!', 'straße', 'line\nline\n']
  const part = (secret: string) =>
    fc.oneof(
      fc.tuple(fc.nat(60), fc.nat(60)).map(([from, to]) => Buffer.from(secret).subarray(from, to)),
      fc.uint8Array({ maxLength: 20 }),
    )
  const guesses = fc
    .constantFrom(...secrets)
    .chain((secret) => fc.tuple(fc.constant(secret), fc.array(part(secret), { maxLength: 8 })))
  fc.assert(
    fc.property(
      guesses,
      fc.array(fc.nat(255), { minLength: 200, maxLength: 200 }),
      fc.array(fc.nat(400), { maxLength: 20 }),
      ([secret, parts], picks, cuts) => {
        const by = new Matcher([{ value: secret, rendered: [] }])
        const right = Buffer.concat(parts)
        const wrong = Buffer.from(right.map((byte, at) => alike(byte, picks[at] ?? 0)))
        const lengths = (text: Buffer) => released(by, text, cuts).map(({ length }) => length)
        expect(lengths(right)).toEqual(lengths(wrong))
      },
    ),
    { numRuns: 1000 },
  )
})

test('(CRD-07) a right beginning and a wrong one wait alike, for as long as the upstream pauses', () => {
  for (const guess of [token.slice(0, 9), 'ghp_WRONG']) {
    const scrubber = new Scrubber(ofToken)
    expect(scrubber.push(Buffer.from(`you said "${guess}`)).toString()).toBe('you said "')
    expect(scrubber.push(Buffer.from('"')).toString()).toBe(`${guess}"`)
  }
})

test('no more than the longest form is ever held back', () => {
  const longest = Math.max(...formsOf(token, []).map(({ bytes }) => bytes.length))
  const scrubber = new Scrubber(ofToken)
  const long = Buffer.alloc(10_000, 'A')
  expect(scrubber.push(Buffer.from(long))).toHaveLength(10_000 - longest + 1)
  expect(scrubber.push(Buffer.from('AAA'))).toHaveLength(3)
  expect(scrubber.end()).toHaveLength(longest - 1)
})

test('(PXY-29) an event, a JSON text, a page and a line are not delayed', () => {
  for (const text of ['data: hello\n\n', '{"n":[1]}', '"done"', '<p>Hi</p>', 'a line\r\n', 'Wait, '])
    expect(new Scrubber(ofToken).push(Buffer.from(text)).toString()).toBe(text)
})

test('text without a credential passes unchanged', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.array(fc.nat(500), { maxLength: 8 }), (bytes, cuts) => {
      expect(through(Buffer.from(bytes), cuts)).toEqual(Buffer.from(bytes))
    }),
    { numRuns: 500 },
  )
})

test('work stays linear on what looks like a credential everywhere', () => {
  const hostile = Buffer.from(value.slice(0, -1).repeat(60_000))
  const scrubber = new Scrubber(matcher)
  const began = performance.now()
  for (let at = 0; at < hostile.length; at += 65_536) scrubber.push(hostile.subarray(at, at + 65_536))
  expect(hostile.length / 1e6 / ((performance.now() - began) / 1000)).toBeGreaterThan(5)
})
