import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  createIssuer,
  createLeaf,
  createRoot,
  openAuthority,
  permittedHosts,
} from '../../../src/model/x509.ts'

const folder = mkdtempSync(join(tmpdir(), 'x509-'))
afterAll(() => rmSync(folder, { recursive: true }))

const now = new Date()
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000)
const root = createRoot({
  commonName: 'bot-bottle acme implementer',
  notBefore: days(-1),
  notAfter: days(30),
})
const issuer = createIssuer({
  root,
  hosts: ['allowed.test', '*.wild.test'],
  notBefore: days(-1),
  notAfter: days(60),
})
const publicKey = createPublicKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey).export({
  type: 'spki',
  format: 'der',
})
const leaf = (host: string, from = issuer): string =>
  createLeaf({ issuer: openAuthority(from), host, publicKey, now })

function opensslVerify(leafPem: string, issuerPem = issuer.certificate, host?: string): string {
  const paths = ['root', 'issuer', 'leaf'].map((name) => join(folder, `${name}.pem`))
  for (const [at, text] of [root.certificate, issuerPem, leafPem].entries()) writeFileSync(paths[at]!, text)
  try {
    return execFileSync(
      'openssl',
      [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        ...(host ? ['-verify_hostname', host] : []),
        '-CAfile',
        paths[0]!,
        '-untrusted',
        paths[1]!,
        paths[2]!,
      ],
      { encoding: 'utf8', stdio: 'pipe' },
    )
  } catch (error) {
    return String((error as { stderr: string }).stderr)
  }
}

test('[TLS-05] a leaf for a declared host verifies in openssl through issuer and root', () => {
  expect(opensslVerify(leaf('allowed.test'), issuer.certificate, 'allowed.test')).toContain('OK')
  expect(opensslVerify(leaf('one.wild.test'), issuer.certificate, 'one.wild.test')).toContain('OK')
})

test('[TLS-05] a leaf outside the issuer’s names is refused by openssl', () => {
  expect(opensslVerify(leaf('denied.test'))).toContain('permitted subtree violation')
  expect(opensslVerify(leaf('notallowed.test'))).toContain('permitted subtree violation')
})

test('[TLS-05] an issuer without hosts can sign for nobody', () => {
  const nobody = createIssuer({ root, hosts: [], notBefore: days(-1), notAfter: days(1) })
  expect(permittedHosts(nobody.certificate)).toEqual(['invalid'])
  expect(opensslVerify(leaf('allowed.test', nobody), nobody.certificate)).toContain(
    'permitted subtree violation',
  )
})

test('[TLS-05] an issuer cannot make a further issuer', () => {
  const further = createIssuer({
    root: issuer,
    commonName: 'further',
    hosts: ['allowed.test'],
    notBefore: days(-1),
    notAfter: days(1),
  })
  expect(
    opensslVerify(leaf('allowed.test', further), `${further.certificate}${issuer.certificate}`),
  ).toContain('path length constraint exceeded')
})

test('[TLS-05] a leaf is no authority, serves one host, and ends within seven days and never after its issuer', () => {
  const certificate = new X509Certificate(leaf('allowed.test'))
  expect(certificate.ca).toBe(false)
  expect(certificate.subjectAltName).toBe('DNS:allowed.test')
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(new Date(certificate.validTo).getTime()).toBeLessThanOrEqual(days(7).getTime())
  const short = createIssuer({ root, hosts: ['allowed.test'], notBefore: days(-1), notAfter: days(2) })
  expect(new Date(new X509Certificate(leaf('allowed.test', short)).validTo).getTime()).toBeLessThanOrEqual(
    days(2).getTime(),
  )
})

test('an issuer ends with its root and names what it is constrained to', () => {
  const certificate = new X509Certificate(issuer.certificate)
  expect(certificate.ca).toBe(true)
  expect(new Date(certificate.validTo).getTime()).toBeLessThanOrEqual(days(30).getTime())
  expect(permittedHosts(issuer.certificate)).toEqual(['allowed.test', 'wild.test'])
  expect(permittedHosts(root.certificate)).toEqual([])
})

test('a host of more than 64 characters is in the alternative name only', () => {
  const host = `${'a'.repeat(60)}.${'b'.repeat(20)}.wild.test`
  expect(new X509Certificate(leaf(host)).subject).toBeFalsy()
  expect(opensslVerify(leaf(host), issuer.certificate, host)).toContain('OK')
})

test('a certificate with the key of another is refused', () => {
  expect(() => openAuthority({ certificate: issuer.certificate, key: root.key })).toThrow(
    'do not belong together',
  )
})
