/**
 * Private keys as OpenSSH and PEM write them, without a passphrase: ed25519, ecdsa (nistp256, 384, 521) and rsa. A key
 * with a passphrase is opened on the host before it comes here; keys on devices and dsa are refused. Pure.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'

export interface SshKey {
  /** `ssh-ed25519`, … */
  readonly type: string
  /** As the wire and `authorized_keys` have it. */
  readonly publicBlob: Buffer
  /** A signature as the wire has it; `undefined` where only an algorithm is asked for that nobody should use. */
  sign(data: Buffer, flags: number): Buffer | undefined
}

/** The text is no key that can be used; the message says why and never quotes it. */
export class KeyUnusable extends Error {
  override readonly name = 'KeyUnusable'
}

const MAGIC = Buffer.from('openssh-key-v1\0')
const ARMOUR =
  /^-----BEGIN OPENSSH PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END OPENSSH PRIVATE KEY-----\s*$/

export function parsePrivateKey(text: string): SshKey {
  const armoured = ARMOUR.exec(text.trimStart())
  if (armoured !== null) return keyOf(openSshKey(Buffer.from(armoured[1] ?? '', 'base64')))
  if (/ENCRYPTED/.test(text)) throw new KeyUnusable('it has a passphrase')
  try {
    return keyOf(createPrivateKey(text))
  } catch (error) {
    throw error instanceof KeyUnusable ? error : new KeyUnusable('it is no private key')
  }
}

export const sshString = (content: Buffer | string): Buffer => {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Reads strings of the wire one after the other; throws KeyUnusable beyond the end. */
export class SshReader {
  #bytes: Buffer
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  number(): number {
    return this.#take(4).readUInt32BE(0)
  }
  string(): Buffer {
    return this.#take(this.number())
  }
  /** Without the zero byte of its sign. */
  integer(): Buffer {
    const bytes = this.string()
    return bytes[0] === 0 ? bytes.subarray(1) : bytes
  }
  #take(length: number): Buffer {
    if (length > this.#bytes.length) throw new KeyUnusable('it is cut')
    const taken = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return taken
  }
}

const CURVES = {
  'P-256': { name: 'nistp256', size: 32, hash: 'sha256' },
  'P-384': { name: 'nistp384', size: 48, hash: 'sha384' },
  'P-521': { name: 'nistp521', size: 66, hash: 'sha512' },
} as const
type Curve = keyof typeof CURVES

const curveNamed = (name: string): Curve => {
  for (const curve of ['P-256', 'P-384', 'P-521'] as const) if (CURVES[curve].name === name) return curve
  throw new KeyUnusable('its curve is not known')
}

function openSshKey(bytes: Buffer): KeyObject {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new KeyUnusable('it is no private key')
  const outer = new SshReader(bytes.subarray(MAGIC.length))
  const cipher = outer.string().toString('latin1')
  outer.string()
  outer.string()
  if (cipher !== 'none') throw new KeyUnusable('it has a passphrase')
  if (outer.number() !== 1) throw new KeyUnusable('it is more than one key')
  outer.string()
  const inner = new SshReader(outer.string())
  if (inner.number() !== inner.number()) throw new KeyUnusable('it is damaged')
  return createPrivateKey({ key: jwkOf(inner.string().toString('latin1'), inner), format: 'jwk' })
}

const url = (bytes: Buffer): string => bytes.toString('base64url')

function jwkOf(type: string, fields: SshReader): JsonWebKey {
  if (type === 'ssh-ed25519') {
    const x = fields.string()
    return { kty: 'OKP', crv: 'Ed25519', x: url(x), d: url(fields.string().subarray(0, 32)) }
  }
  if (type.startsWith('ecdsa-sha2-')) {
    const crv = curveNamed(fields.string().toString('latin1'))
    const { size } = CURVES[crv]
    const point = fields.string()
    if (point.length !== 1 + 2 * size || point[0] !== 4) throw new KeyUnusable('its point is not plain')
    const d = fields.integer()
    const padded = Buffer.concat([Buffer.alloc(Math.max(0, size - d.length)), d])
    return {
      kty: 'EC',
      crv,
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

function keyOf(key: KeyObject): SshKey {
  const jwk = createPublicKey(key).export({ format: 'jwk' })
  const field = (name: 'x' | 'y' | 'n' | 'e'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url')
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    const type = 'ssh-ed25519'
    const publicBlob = Buffer.concat([sshString(type), sshString(field('x'))])
    return { type, publicBlob, sign: (data) => signature(type, sign(null, data, key)) }
  }
  if (jwk.kty === 'EC') {
    const { name, size, hash } = CURVES[jwk.crv as Curve] ?? CURVES[curveNamed('')]
    const type = `ecdsa-sha2-${name}`
    const point = Buffer.concat([Buffer.of(4), field('x'), field('y')])
    const publicBlob = Buffer.concat([sshString(type), sshString(name), sshString(point)])
    const signed = (data: Buffer): Buffer => {
      const both = sign(hash, data, { key, dsaEncoding: 'ieee-p1363' })
      return Buffer.concat([integer(both.subarray(0, size)), integer(both.subarray(size))])
    }
    return { type, publicBlob, sign: (data) => signature(type, signed(data)) }
  }
  if (jwk.kty === 'RSA') {
    const type = 'ssh-rsa'
    const publicBlob = Buffer.concat([sshString(type), integer(field('e')), integer(field('n'))])
    return { type, publicBlob, sign: (data, flags) => signRsa(key, data, flags) }
  }
  throw new KeyUnusable('keys of this type cannot be used')
}

/** Flags of the agent protocol; without one, SHA-1 is meant. */
const RSA_SHA2 = { 256: 2, 512: 4 } as const

function signRsa(key: KeyObject, data: Buffer, flags: number): Buffer | undefined {
  if ((flags & RSA_SHA2[512]) !== 0) return signature('rsa-sha2-512', sign('sha512', data, key))
  if ((flags & RSA_SHA2[256]) !== 0) return signature('rsa-sha2-256', sign('sha256', data, key))
  return undefined
}

const signature = (algorithm: string, bytes: Buffer): Buffer =>
  Buffer.concat([sshString(algorithm), sshString(bytes)])

/** An unsigned number as the wire has it: no needless zero, no set sign bit. */
function integer(bytes: Buffer): Buffer {
  let at = 0
  while (at < bytes.length - 1 && bytes[at] === 0) at++
  const short = bytes.subarray(at)
  return sshString(((short[0] ?? 0) & 0x80) === 0 ? short : Buffer.concat([Buffer.of(0), short]))
}
