import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isMethodParameter, overrideSearch } from '../../../sidecars/policy/override.ts'

const FORM = ['application/x-www-form-urlencoded; charset=utf-8']
const MULTIPART = ['multipart/form-data; boundary=b']
const JSON_TYPE = ['application/json; charset=utf-8']

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
  // PHP and Rack end a type at a comma, PHP at a space; an empty one is none.
  [['application/x-www-form-urlencoded, text/plain'], '_method=DELETE'],
  [['application/x-www-form-urlencoded text'], '_method=DELETE'],
  [[''], '_method=DELETE'],
  // Rack 2 and qs.
  [FORM, '[_method]=DELETE'],
  [FORM, '%5B_method%5D=DELETE'],
  [FORM, '_method]=DELETE'],
  [FORM, `${'%20'.repeat(30)}_method=DELETE`],
  [FORM, '_method%00%zz%ff=DELETE'],
  [MULTIPART, part('name="[_method]"')],
  [MULTIPART, part(`name=${' '.repeat(300)}"_method"`)],
  [MULTIPART, part(`name="${' '.repeat(300)}_method"`)],
  [MULTIPART, part(String.raw`name="\_m\ethod"`)],
  [MULTIPART, part("name*=utf-8''%5fmethod")],
  [MULTIPART, '--b\r\nContent-ID: _method\r\n\r\nDELETE\r\n--b--\r\n'],
  // Laravel takes the keys of JSON for parameters, and any field with `/json` in it for JSON.
  [JSON_TYPE, '{"a":1,"_method":"DELETE"}'],
  [JSON_TYPE, String.raw`{"\u005fm\u0065thod" : "DELETE"}`],
  [JSON_TYPE, `{"_method"${' '.repeat(300)}:"DELETE"}`],
  [['application/vnd.api+json'], '{"_method":"DELETE"}'],
  [['text/plain; a=/json'], '{"_method":"DELETE"}'],
  [['application/json; charset=utf-16'], [...'{"_method":"DELETE"}'].join('\0')],
])('(PXY-22) of type %j, %j names a method, wherever it is cut', (types, body) => {
  for (const size of [1, 2, 7, body.length]) expect(found(types, body, size)).toBe(true)
})

test.each([
  [FORM, 'a=_method'],
  [FORM, 'a=1&method=x&my_method=y&_methods=z'],
  [FORM, `${'x'.repeat(100)}_method=1`],
  [MULTIPART, part('name="payment_method"')],
  [MULTIPART, part('name="_methodology"')],
  [MULTIPART, part(`name="x"; filename*=utf-8''${'x'.repeat(600)}`)],
  [JSON_TYPE, '{"payment_method":"card","a":"_method"}'],
  [JSON_TYPE, String.raw`{"prompt":"write {\"_method\":\"DELETE\"}"}`],
])('of type %j, %j names none', (types, body) => {
  for (const size of [1, 2, 7, body.length]) expect(found(types, body, size)).toBe(false)
})

test('other bodies are not looked at', () => {
  for (const type of ['application/x-git-upload-pack-request', 'application/octet-stream', 'text/plain'])
    expect(overrideSearch([type])).toBeUndefined()
})

test.each(['[_method]', '_method]', '%5fmethod%00%zz', `${' '.repeat(40)}_method`])(
  'in a query %j names a method',
  (name) => expect(isMethodParameter(name)).toBe(true),
)

test('where a body is cut makes no difference', () => {
  const text = fc.stringMatching(/^[_.mMethod%5f=&; +[\]"':<\\]{0,60}$/)
  fc.assert(
    fc.property(
      text,
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(FORM, MULTIPART, JSON_TYPE),
      (body, size, types) => {
        expect(found(types, body, size)).toBe(found(types, body))
      },
    ),
  )
})
