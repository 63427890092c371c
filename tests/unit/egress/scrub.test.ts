import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formsOf } from '../../../sidecars/egress/forms.ts'
import { Matcher, Scrubber } from '../../../sidecars/egress/scrub.ts'

const value = 'ghp_Abc/123+xyz=="q"'
const matcher = new Matcher([
  { value, rendered: [Buffer.from(`bot:${value}`).toString('base64')] },
  { value: 'other-secret', rendered: [] },
])

function through(text: Buffer, cuts: readonly number[]): Buffer {
  const scrubber = new Scrubber(matcher)
  const places = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort(
    (a, b) => a - b,
  )
  const pieces = places.slice(1).map((end, at) => scrubber.push(Buffer.from(text.subarray(places[at], end))))
  return Buffer.concat([...pieces, scrubber.end()])
}

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
        for (let at = 0; at < masked.length; at++) expect([whole.toString()[at], '*']).toContain(masked[at])
      },
    ),
    { numRuns: 1500 },
  )
})

test('text without a credential passes unchanged, and what ends in ordinary text is not held back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.array(fc.nat(500), { maxLength: 8 }), (bytes, cuts) => {
      expect(through(Buffer.from(bytes), cuts)).toEqual(Buffer.from(bytes))
    }),
    { numRuns: 500 },
  )
  expect(new Scrubber(matcher).push(Buffer.from('data: hello\n\n')).toString()).toBe('data: hello\n\n')
})

test('work stays linear on what looks like a credential everywhere', () => {
  const hostile = Buffer.from(value.slice(0, -1).repeat(60_000))
  const began = performance.now()
  for (let at = 0; at < hostile.length; at += 65_536)
    new Scrubber(matcher).push(hostile.subarray(at, at + 65_536))
  expect(hostile.length / 1e6 / ((performance.now() - began) / 1000)).toBeGreaterThan(5)
})
