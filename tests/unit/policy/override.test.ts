import fc from 'fast-check'
import { expect, test } from 'vitest'
import { overrideSearch } from '../../../sidecars/policy/override.ts'

const FORM = ['application/x-www-form-urlencoded; charset=utf-8']
const MULTIPART = ['multipart/form-data; boundary=b']

/** Whether it is found, in pieces of this many bytes. */
function found(types: readonly string[], body: string, size = body.length): boolean {
  const search = overrideSearch(types)!
  const bytes = Buffer.from(body, 'latin1')
  for (let at = 0; at < bytes.length; at += size) if (search.push(bytes.subarray(at, at + size))) return true
  return false
}

const part = (parameter: string): string =>
  `--b\r\nContent-Disposition: form-data; ${parameter}\r\n\r\nDELETE\r\n--b--\r\n`

test.each([
  [FORM, '_method=DELETE'],
  [FORM, 'a=1&_METHOD=delete'],
  [FORM, 'a=1;_method=delete'],
  [FORM, '%5f%6Dethod=delete'],
  [FORM, `a=1&${' '.repeat(500)}_method=delete`],
  [FORM, '.method=delete'],
  [FORM, '_method%00x=delete'],
  [FORM, '_method[]=delete'],
  [[], '_method=DELETE'],
  [MULTIPART, part('name="_method"')],
  [MULTIPART, part('name=_method')],
  [MULTIPART, part('filename="x"; NAME = "_method"')],
  [MULTIPART, part("name*=utf-8''_method")],
  [['text/plain', ...MULTIPART], part('name="_method"')],
])('(PXY-22) of type %j, %j names a method, wherever it is cut', (types, body) => {
  for (const size of [1, 2, 7, body.length]) expect(found(types, body, size)).toBe(true)
})

test.each([
  [FORM, 'a=_method'],
  [FORM, 'a=1&method=x&my_method=y&_methods=z'],
  [FORM, `${'x'.repeat(100)}_method=1`],
  [MULTIPART, part('name="payment_method"')],
  [MULTIPART, part('name="_methodology"')],
])('of type %j, %j names none', (types, body) => {
  for (const size of [1, 2, 7, body.length]) expect(found(types, body, size)).toBe(false)
})

test('other bodies are not looked at', () => {
  for (const type of ['application/json', 'application/octet-stream', 'text/plain'])
    expect(overrideSearch([type])).toBeUndefined()
})

test('where a body is cut makes no difference', () => {
  const text = fc.stringMatching(/^[_.mMethod%5f=&; +["']{0,60}$/)
  fc.assert(
    fc.property(
      text,
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(FORM, MULTIPART),
      (body, size, types) => {
        expect(found(types, body, size)).toBe(found(types, body))
      },
    ),
  )
})
