import { expect, test } from 'vitest'
import { parseAuthority, parseHost } from '../../../sidecars/policy/authority.ts'

const said = (text: string, port?: number): string => {
  const parsed = parseAuthority(text, port)
  return parsed.ok ? `${parsed.value.host} ${parsed.value.port}` : parsed.rule
}

test('(PXY-13) one canonical form: case folded, one trailing dot stripped', () => {
  expect(said('ALLOWED.test:443')).toBe('allowed.test 443')
  expect(said('allowed.test.:443')).toBe('allowed.test 443')
  expect(said('xn--bcher-kva.test', 80)).toBe('xn--bcher-kva.test 80')
})

test.each([
  'allowed。test',
  'аllowed.test',
  'allowed.test%2eevil.test',
  'allowed..test',
  'allowed.test..',
  '.allowed.test',
  'allowed_x.test',
  'allowed.test\u0000',
  'allowed.test ',
  ' allowed.test',
  'allowed.test\t',
  'allowed.test\\@evil.test',
  '-allowed.test',
  'allowed-.test',
  `${'a'.repeat(64)}.test`,
  `${'a.'.repeat(127)}test`,
  '',
  '.',
  '*.allowed.test',
  'allowed.test/',
  'allowed.test#',
  'allowed.test?',
  '\u212Aallowed.test',
  'allowed.test,evil.test',
])('(PXY-13) %j is refused by the grammar', (host) => {
  expect(said(host, 443)).toBe('authority-invalid')
})

test.each(['a@evil.test:443', 'allowed.test@evil.test', 'user:pass@allowed.test:443', '@allowed.test'])(
  '(PXY-15) %s: userinfo is refused',
  (text) => {
    expect(said(text, 443)).toBe('authority-invalid')
  },
)

test.each([
  '127.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0',
  '①②⑦.⓪.⓪.①',
  '[::ffff:127.0.0.1]',
  '[::127.0.0.1]',
  '[fe80::1%25eth0]',
  '127.0.0.1%lo',
  '0x7f.1',
  'a.1',
  '1.2.3.256',
  '127.0.0.1.',
  '127.0.0.01',
])('(PXY-03) %s is no way to write a host', (text) => {
  expect(said(text, 443)).toBe('authority-invalid')
})

test.each([
  '127.0.0.1:443',
  '169.254.169.254',
  '[::1]:443',
  '[fd00:ec2::254]',
  '100.100.100.200',
  '192.0.0.192',
])('(PXY-02) (PXY-05) %s is an address', (text) => {
  expect(said(text, 443)).toBe('ip-literal')
})

test('(PXY-03) a name that holds an address is an ordinary name', () => {
  expect(parseHost('1.1.1.1.nip.io').ok).toBe(true)
})

test.each([
  'allowed.test:0',
  'allowed.test:65536',
  'allowed.test:-1',
  'allowed.test:0443',
  'allowed.test:',
  'allowed.test:+443',
  'allowed.test:443:443',
  'allowed.test:４４３',
  'allowed.test',
])('(PXY-06) %s: the port is one decimal number without leading zeros', (text) => {
  expect(said(text)).toBe('authority-invalid')
})
