/** Leafs for hosts that were admitted, never for others: one key for the process, one context per host, a bounded number of them. */
import { constants, generateKeyPairSync } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { createLeaf, LEAF_LIFE } from '../../../src/model/x509.ts'
import type { Host } from '../../policy/authority.ts'
import type { Running } from '../running.ts'

/** Fast and modern first; what TLS 1.2 clients without AES hardware want is there too. */
export const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':')

export interface Minter {
  /** The server side of TLS for a host of the running policy. Throws without an issuer. */
  contextFor(host: Host, running: Running): SecureContext
}

export function createMinter(limit: number, now: () => number): Minter {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const contexts = new Map<
    string,
    { readonly context: SecureContext; readonly renewAt: number; readonly issuer: string }
  >()
  return {
    contextFor(host, running) {
      const issuerPem = running.config.issuer?.certificate
      if (issuerPem === undefined || running.issuer === undefined) throw new Error('no issuer to sign with')
      const known = contexts.get(host)
      if (known !== undefined && known.issuer === issuerPem && known.renewAt > now()) return known.context
      const certificate = createLeaf({ issuer: running.issuer, host, publicKey: spki, now: new Date(now()) })
      const context = createSecureContext({
        key,
        cert: certificate + issuerPem,
        minVersion: 'TLSv1.2',
        ciphers: CIPHERS,
        honorCipherOrder: true,
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
        sessionIdContext: 'bot-bottle egress',
      })
      contexts.delete(host)
      contexts.set(host, { context, renewAt: now() + LEAF_LIFE / 2, issuer: issuerPem })
      const oldest = contexts.keys().next().value
      if (contexts.size > limit && oldest !== undefined) contexts.delete(oldest)
      return context
    },
  }
}
