/**
 * The three certificates of a bottle (contract.md, CA): root (key on the host only), issuer (key in egress only,
 * path length 0, name-constrained to the declared hosts), leaf (one host, short). P-256 throughout.
 * This file decides what is in them and stores nothing.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { bytesOf, der, encodeDer, isOid, membersOf, tagOf } from './der.ts'
import type { Der } from './der.ts'
import { constrainedNames } from './policy.ts'

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

const HOUR = 3_600_000
/** Clocks of guests lag behind. */
const BACKDATE = HOUR
/** Life of a leaf, milliseconds. */
export const LEAF_LIFE = 7 * 24 * HOUR

/** PEM, both. `key` is PKCS #8. */
export interface CertificateAndKey {
  readonly certificate: string
  readonly key: string
}

export interface Extension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Der
}

export interface CertificateFields {
  readonly serial: Uint8Array
  /** Encoded Name. */
  readonly issuerName: Der
  readonly subjectName: Der
  readonly publicKeySpkiDer: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly extensions: readonly Extension[]
  /** ECDSA with SHA-256 over the bytes given, DER. */
  readonly sign: (bytes: Uint8Array) => Uint8Array
}

/** A version 3 certificate, PEM. */
export function encodeCertificate(fields: CertificateFields): string {
  const algorithm = der.sequence(der.oid(OID.ecdsaWithSha256))
  const body = der.sequence(
    der.tagged(0, der.integer(Buffer.from([2]))),
    der.integer(fields.serial),
    algorithm,
    fields.issuerName,
    der.sequence(der.time(fields.notBefore), der.time(fields.notAfter)),
    fields.subjectName,
    der.raw(fields.publicKeySpkiDer),
    der.tagged(3, der.sequence(...fields.extensions.map(encodeExtension))),
  )
  const signature = fields.sign(encodeDer(body))
  return pem('CERTIFICATE', encodeDer(der.sequence(body, algorithm, der.bits(signature))))
}

export interface RootRequest {
  readonly commonName: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A self-signed root with a fresh key. */
export function createRoot(request: RootRequest): CertificateAndKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const name = distinguishedName(request.commonName)
  const certificate = encodeCertificate({
    serial: newSerial(),
    issuerName: name,
    subjectName: name,
    publicKeySpkiDer: spki,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    extensions: [
      basicConstraints({ pathLength: 1 }),
      keyUsage(CERTIFICATE_SIGNING),
      { oid: OID.subjectKeyId, critical: false, value: der.octets(keyIdOf(spki)) },
    ],
    sign: (bytes) => sign('sha256', bytes, privateKey),
  })
  return { certificate, key: exportKey(privateKey) }
}

export interface IssuerRequest {
  readonly root: CertificateAndKey
  /** Declared hosts, exact or `*.`; what `issuerHosts` of the policy gives. */
  readonly hosts: readonly string[]
  readonly commonName?: string
  readonly notBefore: Date
  /** Cut at the root's end. */
  readonly notAfter: Date
}

/** An issuer with a fresh key that can sign leafs for the hosts, and nothing else. */
export function createIssuer(request: IssuerRequest): CertificateAndKey {
  const root = openAuthority(request.root)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const certificate = encodeCertificate({
    serial: newSerial(),
    issuerName: root.name,
    subjectName: distinguishedName(request.commonName ?? 'bot-bottle issuer'),
    publicKeySpkiDer: spki,
    notBefore: request.notBefore,
    notAfter: earlier(request.notAfter, root.notAfter),
    extensions: [
      basicConstraints({ pathLength: 0 }),
      keyUsage(CERTIFICATE_SIGNING),
      serverAuthOnly(false),
      { oid: OID.nameConstraints, critical: true, value: nameConstraints(request.hosts) },
      { oid: OID.subjectKeyId, critical: false, value: der.octets(keyIdOf(spki)) },
      authorityKeyId(root.keyId),
    ],
    sign: (bytes) => sign('sha256', bytes, root.key),
  })
  return { certificate, key: exportKey(privateKey) }
}

/** A certificate and its key, opened once for many signatures. */
export interface Authority {
  readonly name: Der
  readonly key: KeyObject
  readonly keyId: Buffer
  readonly notAfter: Date
}

/** Throws when certificate and key do not belong together. */
export function openAuthority(authority: CertificateAndKey): Authority {
  const certificate = new X509Certificate(authority.certificate)
  const key = createPrivateKey(authority.key)
  if (!certificate.checkPrivateKey(key)) throw new Error('certificate and key do not belong together')
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return { name: subjectOf(certificate), key, keyId: keyIdOf(spki), notAfter: new Date(certificate.validTo) }
}

export interface LeafRequest {
  readonly issuer: Authority
  readonly host: string
  /** SPKI, DER. */
  readonly publicKey: Uint8Array
  readonly now: Date
}

/** A leaf for exactly one host: CA:FALSE, serverAuth, seven days, never past the issuer's end. PEM. */
export function createLeaf(request: LeafRequest): string {
  // A common name holds at most 64 characters; without a subject the alternative name is critical (RFC 5280, 4.2.1.6).
  const named = request.host.length <= 64
  return encodeCertificate({
    serial: newSerial(),
    issuerName: request.issuer.name,
    subjectName: named ? distinguishedName(request.host) : der.sequence(),
    publicKeySpkiDer: request.publicKey,
    notBefore: new Date(request.now.getTime() - BACKDATE),
    notAfter: earlier(new Date(request.now.getTime() + LEAF_LIFE), request.issuer.notAfter),
    extensions: [
      basicConstraints(undefined),
      keyUsage(DIGITAL_SIGNATURE),
      serverAuthOnly(false),
      { oid: OID.subjectAltName, critical: !named, value: der.sequence(dnsName(request.host)) },
      { oid: OID.subjectKeyId, critical: false, value: der.octets(keyIdOf(request.publicKey)) },
      authorityKeyId(request.issuer.keyId),
    ],
    sign: (bytes) => sign('sha256', bytes, request.issuer.key),
  })
}

/** The DNS names an issuer is constrained to, as written in its certificate. */
export function permittedHosts(certificate: string): readonly string[] {
  for (const part of membersOf(bodyOf(new X509Certificate(certificate)))) {
    if (tagOf(part) !== 3) continue
    for (const extension of membersOf(membersOf(part)[0])) {
      const fields = membersOf(extension)
      if (!isOid(fields[0], OID.nameConstraints)) continue
      const permitted = membersOf(der.raw(bytesOf(fields.at(-1)))).find((tree) => tagOf(tree) === 0)
      return permitted === undefined
        ? []
        : membersOf(permitted).map((tree) => bytesOf(membersOf(tree)[0]).toString('latin1'))
    }
  }
  return []
}

/** SHA-256 of the certificate's DER, hex. */
export function fingerprintOf(certificate: string): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex')
}

// ── parts ────────────────────────────────────────────────────────────────────────────────────────

/** Bit 5 and bit 0 of KeyUsage, with the number of unused bits. */
const CERTIFICATE_SIGNING = { bits: 0x04, unused: 2 }
const DIGITAL_SIGNATURE = { bits: 0x80, unused: 7 }

function keyUsage(usage: { readonly bits: number; readonly unused: number }): Extension {
  return { oid: OID.keyUsage, critical: true, value: der.bits(Buffer.from([usage.bits]), usage.unused) }
}

function basicConstraints(authority: { readonly pathLength: number } | undefined): Extension {
  const value = authority
    ? der.sequence(der.boolean(true), der.integer(Buffer.from([authority.pathLength])))
    : der.sequence()
  return { oid: OID.basicConstraints, critical: true, value }
}

function serverAuthOnly(critical: boolean): Extension {
  return { oid: OID.extendedKeyUsage, critical, value: der.sequence(der.oid(OID.serverAuth)) }
}

function authorityKeyId(keyId: Uint8Array): Extension {
  return { oid: OID.authorityKeyId, critical: false, value: der.sequence(der.taggedBytes(0, keyId)) }
}

/**
 * A dNSName constraint `x` permits `x` and every name below it; RFC 5280 knows nothing narrower (a leading dot is
 * for URIs and mail, and clients differ on it). So `*.x` becomes `x`. A dNSName constraint says nothing about
 * addresses, therefore all of them are excluded. No host at all: only `invalid` (RFC 6761), because an empty list
 * would permit everything.
 */
function nameConstraints(hosts: readonly string[]): Der {
  const permitted = constrainedNames(hosts).map((name) => der.sequence(dnsName(name)))
  // iPAddress with a mask of zero: every IPv4 and every IPv6 address.
  const excluded = [8, 32].map((length) => der.sequence(der.taggedBytes(7, Buffer.alloc(length))))
  return der.sequence(der.tagged(0, ...permitted), der.tagged(1, ...excluded))
}

const dnsName = (host: string): Der => der.taggedBytes(2, Buffer.from(host, 'latin1'))

const distinguishedName = (commonName: string): Der =>
  der.sequence(der.set(der.sequence(der.oid(OID.commonName), der.utf8(commonName))))

function encodeExtension(extension: Extension): Der {
  const value = der.octets(encodeDer(extension.value))
  return extension.critical
    ? der.sequence(der.oid(extension.oid), der.boolean(true), value)
    : der.sequence(der.oid(extension.oid), value)
}

/** 16 random bytes, positive and never zero in the first. */
function newSerial(): Buffer {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

/** RFC 7093, method 1: the left 160 bits of the SHA-256 of the public key. */
function keyIdOf(spki: Uint8Array): Buffer {
  const point = bytesOf(membersOf(der.raw(spki))[1]).subarray(1)
  return createHash('sha256').update(point).digest().subarray(0, 20)
}

const bodyOf = (certificate: X509Certificate): Der | undefined => membersOf(der.raw(certificate.raw))[0]

function subjectOf(certificate: X509Certificate): Der {
  // [0] version, serial, signature, issuer, validity, subject
  const subject = membersOf(bodyOf(certificate))[5]
  if (subject === undefined) throw new Error('certificate has no subject')
  return subject
}

const earlier = (a: Date, b: Date): Date => (a < b ? a : b)
const exportKey = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
