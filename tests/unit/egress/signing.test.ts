import { describe, expect, test } from 'vitest'
import { signatureOf } from '../../../sidecars/egress/secrets/signing.ts'
import { unsignable } from '../../../sidecars/policy/signing.ts'
import { suiteDate, suiteKey, vectors } from './signing-suite.ts'
import { checkSignature } from './signing-verify.ts'

const blank = { method: 'GET', host: 'example.amazonaws.com', path: '/', query: '', headers: {} }

describe('the published suite of AWS', () => {
  test.each(vectors)('$name', async ({ request, sessionToken, signedHeaders, signature }) => {
    const key = { ...suiteKey, ...(sessionToken !== undefined && { sessionToken }) }
    expect(await signatureOf({ ...blank, ...request }, key, suiteDate)).toEqual([
      { name: 'X-Amz-Date', value: '20150830T123600Z' },
      ...(sessionToken === undefined ? [] : [{ name: 'X-Amz-Security-Token', value: sessionToken }]),
      {
        name: 'Authorization',
        value: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${signedHeaders}, Signature=${signature}`,
      },
    ])
  })
})

describe('the service of these tests', () => {
  const hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  const signedNow = async (path: string): Promise<string> => {
    const headers = { 'x-amz-content-sha256': hash }
    const made = await signatureOf({ ...blank, path, headers }, suiteKey, new Date())
    const fields = [{ name: 'x-amz-content-sha256', value: hash }, ...made]
    return `GET ${path} HTTP/1.1\r\nHost: ${blank.host}\r\n${fields.map(({ name, value }) => `${name}: ${value}\r\n`).join('')}\r\n`
  }
  const known = { [suiteKey.accessKey]: suiteKey.secretKey }

  test('takes what was signed', async () => {
    expect(checkSignature(await signedNow('/a%20b/c:d'), known).wrong).toBeUndefined()
  })

  test.each([
    ['another path', (text: string) => text.replace('/a', '/b'), /another signature/],
    ['a further parameter', (text: string) => text.replace('/a', '/a?x=1'), /another signature/],
    ['another host', (text: string) => text.replace('Host: example', 'Host: sample'), /another signature/],
    ['a body', (text: string) => `${text}body`, /another one/],
    [
      'an unsigned field of AWS',
      (text: string) => text.replace('\r\n', '\r\nX-Amz-Target: x\r\n'),
      /not signed/,
    ],
  ])('takes nothing else: %s', async (_, edit, wrong) => {
    expect(checkSignature(edit(await signedNow('/a')), known).wrong).toMatch(wrong)
  })
})

describe('what cannot be signed', () => {
  const why = (service: string, fields: { path?: string; query?: string; headers?: [string, string][] }) =>
    unsignable(
      { scheme: 'aws-sigv4', accessKey: 'a', secretKey: 'b', region: 'r', service },
      { path: '/', query: '', headers: [], ...fields },
    )

  test.each([
    ['a plus in a query', 'sts', { query: 'a=b+c' }, 'signing-unclear'],
    ['a semicolon in a query', 'sts', { query: 'a=1;b=2' }, 'signing-unclear'],
    ['a broken escape', 'sts', { query: 'a=%f' }, 'signing-unclear'],
    ['bytes that are no UTF-8', 'sts', { query: 'a=%ff' }, 'signing-unclear'],
    ['a plus in the name of an object', 's3', { path: '/a+b' }, 'signing-unclear'],
    ['a plus in another path', 'bedrock', { path: '/a+b' }, undefined],
    ['escapes of them', 's3', { path: '/a%2Bb', query: 'a=%2B%3B%20' }, undefined],
    [
      'a body in signed pieces',
      's3',
      { headers: [['content-encoding', 'gzip, AWS-Chunked']] },
      'signing-pieces',
    ],
    ['a body in pieces', 's3', { headers: [['x-amz-decoded-content-length', '3']] }, 'signing-pieces'],
    ['a packed body', 's3', { headers: [['content-encoding', 'gzip']] }, undefined],
  ] as [string, string, Parameters<typeof why>[1], string | undefined][])(
    '%s',
    (_, service, fields, rule) => {
      expect(why(service, fields)).toBe(rule)
    },
  )
})
