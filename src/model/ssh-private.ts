/**
 * Private keys as OpenSSH (PROTOCOL.key) and PEM write them: ed25519, ecdsa (nistp256, 384, 521) and rsa. One with a
 * passphrase is told apart here and opened elsewhere; keys on devices and dsa are refused. Pure.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'
import { KeyUnusable, sshInteger, SshReader, sshString } from './ssh-wire.ts'

/** The private section of OpenSSH's own form, as it is enciphered. */
export interface SealedKey {
  readonly cipher: string
  readonly kdf: string
  readonly kdfOptions: Buffer
  readonly section: Buffer
  /** Behind the section: the tag of a cipher that authenticates. */
  readonly tag: Buffer
}

export interface SshPublic {
  /** `ssh-ed25519`, … */
  readonly type: string
  /** As the wire and `authorized_keys` have it. */
  readonly blob: Buffer
}

const MAGIC = Buffer.from('openssh-key-v1\0')
const ARMOUR =
  /^-----BEGIN OPENSSH PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END OPENSSH PRIVATE KEY-----\s*$/

/** Throws KeyUnusable, also for one with a passphrase. */
export function privateKey(text: string): KeyObject {
  if (hasPassphrase(text)) throw new KeyUnusable('it has a passphrase')
  const file = openSshFile(text)
  if (file !== undefined) return keyIn(file.section)
  try {
    return createPrivateKey(text)
  } catch {
    throw new KeyUnusable('it is no private key')
  }
}

export const hasPassphrase = (text: string): boolean =>
  sealedKey(text) !== undefined || /^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text)

/** `undefined`: not in OpenSSH's own form, or without a passphrase. */
export function sealedKey(text: string): SealedKey | undefined {
  const file = openSshFile(text)
  return file === undefined || file.cipher === 'none' ? undefined : file
}

/** What OpenSSH enciphers, in clear. Throws KeyUnusable. */
export function keyIn(section: Buffer): KeyObject {
  const inner = new SshReader(section)
  if (inner.number() !== inner.number()) throw new KeyUnusable('it is damaged')
  try {
    return createPrivateKey({ key: jwkOf(inner.string().toString('latin1'), inner), format: 'jwk' })
  } catch (error) {
    throw error instanceof KeyUnusable ? error : new KeyUnusable('it is damaged')
  }
}

/** `TYPE BASE64` without a comment, also of a key with a passphrase in OpenSSH's own form; `undefined`: it cannot be told. */
export function publicLineOf(text: string): string | undefined {
  try {
    const { type, blob } = openSshFile(text)?.public ?? publicOf(privateKey(text))
    return `${type} ${blob.toString('base64')}`
  } catch {
    return undefined
  }
}

/** Throws KeyUnusable for a type that is not known. */
export function publicOf(key: KeyObject): SshPublic {
  if (!['ed25519', 'ec', 'rsa'].includes(key.asymmetricKeyType ?? ''))
    throw new KeyUnusable('keys of this type cannot be used')
  const jwk = createPublicKey(key).export({ format: 'jwk' })
  const field = (name: 'x' | 'y' | 'n' | 'e'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url')
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    const type = 'ssh-ed25519'
    return { type, blob: Buffer.concat([sshString(type), sshString(field('x'))]) }
  }
  if (jwk.kty === 'EC') {
    const { name } = curveOf(jwk.crv)
    const type = `ecdsa-sha2-${name}`
    const point = Buffer.concat([Buffer.of(4), field('x'), field('y')])
    return { type, blob: Buffer.concat([sshString(type), sshString(name), sshString(point)]) }
  }
  if (jwk.kty === 'RSA') {
    const type = 'ssh-rsa'
    return { type, blob: Buffer.concat([sshString(type), sshInteger(field('e')), sshInteger(field('n'))]) }
  }
  throw new KeyUnusable('keys of this type cannot be used')
}

const CURVES = {
  'P-256': { name: 'nistp256', size: 32, hash: 'sha256' },
  'P-384': { name: 'nistp384', size: 48, hash: 'sha384' },
  'P-521': { name: 'nistp521', size: 66, hash: 'sha512' },
} as const
const CURVE_NAMES = ['P-256', 'P-384', 'P-521'] as const

/** By its name in a JWK. Throws KeyUnusable. */
export function curveOf(crv: string | undefined): (typeof CURVES)[(typeof CURVE_NAMES)[number]] {
  const found = CURVE_NAMES.find((name) => name === crv)
  if (found === undefined) throw new KeyUnusable('its curve is not known')
  return CURVES[found]
}

function openSshFile(text: string): (SealedKey & { readonly public: SshPublic }) | undefined {
  const [, armoured] = ARMOUR.exec(text.trimStart()) ?? []
  if (armoured === undefined) return undefined
  const bytes = Buffer.from(armoured, 'base64')
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new KeyUnusable('it is no private key')
  const outer = new SshReader(bytes.subarray(MAGIC.length))
  const [cipher, kdf] = [outer.string().toString('latin1'), outer.string().toString('latin1')]
  const kdfOptions = outer.string()
  if (outer.number() !== 1) throw new KeyUnusable('it is more than one key')
  const blob = outer.string()
  const type = new SshReader(blob).string().toString('latin1')
  const section = outer.string()
  return { cipher, kdf, kdfOptions, section, tag: outer.rest, public: { type, blob } }
}

const url = (bytes: Buffer): string => bytes.toString('base64url')

function jwkOf(type: string, fields: SshReader): JsonWebKey {
  if (type === 'ssh-ed25519') {
    const x = fields.string()
    return { kty: 'OKP', crv: 'Ed25519', x: url(x), d: url(fields.string().subarray(0, 32)) }
  }
  if (type.startsWith('ecdsa-sha2-')) {
    const name = fields.string().toString('latin1')
    const crv = CURVE_NAMES.find((each) => CURVES[each].name === name)
    const { size } = curveOf(crv)
    const point = fields.string()
    if (point.length !== 1 + 2 * size || point[0] !== 4) throw new KeyUnusable('its point is not plain')
    const d = fields.integer()
    const padded = Buffer.concat([Buffer.alloc(Math.max(0, size - d.length)), d])
    return {
      kty: 'EC',
      crv: crv ?? '',
      x: url(point.subarray(1, 1 + size)),
      y: url(point.subarray(1 + size)),
      d: url(padded),
    }
  }
  if (type === 'ssh-rsa') {
    const n = fields.integer()
    const e = fields.integer()
    const d = fields.integer()
    const qi = fields.integer()
    const p = fields.integer()
    const q = fields.integer()
    const dp = remainder(d, p)
    const dq = remainder(d, q)
    return {
      kty: 'RSA',
      n: url(n),
      e: url(e),
      d: url(d),
      p: url(p),
      q: url(q),
      dp: url(dp),
      dq: url(dq),
      qi: url(qi),
    }
  }
  throw new KeyUnusable(`keys of type ${type.slice(0, 40).replaceAll(/[^\w@.-]/g, '?')} cannot be used`)
}

function remainder(exponent: Buffer, prime: Buffer): Buffer {
  const big = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)
  const text = (big(exponent) % (big(prime) - 1n)).toString(16)
  return Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex')
}
