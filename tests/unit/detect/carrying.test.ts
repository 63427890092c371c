import { describe, expect, it } from 'vitest'
import { carrying } from '../../../sidecars/detect/carrying.ts'
import { seeded, signs } from '../../../sidecars/detect/samples.ts'

const random = seeded('carrying')
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const HEX = '0123456789abcdef'
const found = (label: string | undefined, target = '/'): readonly string[] => [...carrying({ label, target })]

describe('A label under a wildcard', () => {
  it.each([
    ['base32', signs(BASE32, 63, random)],
    ['hexadecimal', signs(HEX, 60, random)],
    ['base32 behind a number', `1-${signs(BASE32, 50, random)}`],
  ])('of %s carries data', (_, label) => {
    expect(found(label)).toEqual(['exfiltration/label'])
  })

  it.each([
    'd111111abcdef8',
    'my-project-git-feature-add-a-button-somebody-acme-team',
    'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
    signs(HEX, 40, random),
    `pub-${signs(HEX, 32, random)}`,
    `ec2-203-0-113-25.compute-1`,
    'a'.repeat(63),
    'thequickbrownfoxjumpsoverthelazydogandgoeshomebythelongerway',
  ])('that clouds and people choose does not: %s', (label) => {
    expect(found(label)).toEqual([])
  })

  it('is nobody’s choice where the host is declared by name', () => {
    expect(found(undefined)).toEqual([])
  })
})

describe('A path and query', () => {
  it.each([
    ['base64url in the path', `/${signs(BASE64URL, 4200, random)}`],
    ['base64 with escapes in the query', `/?d=${signs(BASE64URL, 80, random)}%2B`.padEnd(90, 'x').repeat(60)],
    ['hexadecimal', `/x?h=${signs(HEX, 4200, random)}`],
    [
      'pieces in many parameters',
      `/?${Array.from({ length: 60 }, (_, index) => `p${index}=${signs(BASE64URL, 80, random)}`).join('&')}`,
    ],
  ])('of more than four kilobytes of %s carry data', (_, target) => {
    expect(found(undefined, target)).toEqual(['exfiltration/target'])
  })

  it.each([
    [
      'a signed link with a session token',
      `/b/o?X-Amz-Credential=AKIA&X-Amz-Security-Token=${signs(BASE64URL, 1600, random)}&X-Amz-Signature=${signs(HEX, 64, random)}`,
    ],
    [
      'single sign-on',
      `/saml?SAMLRequest=${signs(BASE64URL, 3000, random)}&RelayState=${signs(BASE64URL, 200, random)}`,
    ],
    ['a long query of words', `/search?q=${'the+quick+brown+fox+jumps+over+the+lazy+dog+'.repeat(150)}`],
    [
      'a list of numbers',
      `/items?ids=${Array.from({ length: 1500 }, (_, index) => 100_000 + index).join(',')}`,
    ],
    [
      'a list of identifiers',
      `/items?ids=${Array.from({ length: 150 }, () => signs(HEX, 32, random)).join(',')}`,
    ],
    ['one letter', `/${'a'.repeat(9000)}`],
  ])('of %s do not', (_, target) => {
    expect(found(undefined, target)).toEqual([])
  })
})
