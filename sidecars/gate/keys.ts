/**
 * Signatures with a private key, as the agent protocol wants them. A key with a passphrase is opened on the host before
 * it comes here. Pure.
 */
import { createPublicKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { curveOf, privateKey, publicOf } from '../../src/model/ssh-private.ts'
import type { SshPublic } from '../../src/model/ssh-private.ts'
import { sshInteger, sshString } from '../../src/model/ssh-wire.ts'

export interface SshKey extends SshPublic {
  /** A signature as the wire has it; `undefined` where only an algorithm is asked for that nobody should use. */
  sign(data: Buffer, flags: number): Buffer | undefined
}

/** Throws KeyUnusable. */
export function parsePrivateKey(text: string): SshKey {
  const key = privateKey(text)
  const shown = publicOf(key)
  return { ...shown, sign: signerOf(key, shown.type) }
}

function signerOf(key: KeyObject, type: string): SshKey['sign'] {
  if (type === 'ssh-rsa') return (data, flags) => signRsa(key, data, flags)
  if (type === 'ssh-ed25519') return (data) => signature(type, sign(null, data, key))
  const { size, hash } = curveOf(createPublicKey(key).export({ format: 'jwk' }).crv)
  return (data) => {
    const both = sign(hash, data, { key, dsaEncoding: 'ieee-p1363' })
    const parts = [sshInteger(both.subarray(0, size)), sshInteger(both.subarray(size))]
    return signature(type, Buffer.concat(parts))
  }
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
