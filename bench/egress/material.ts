/** Certificates and keys of one run, as files for the peers and as text for our own door. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createIssuer, createLeaf, createRoot, openAuthority } from '../../src/model/x509.ts'
import type { CertificateAndKey } from '../../src/model/x509.ts'

/** The host that most is asked of, and the names that are met for the first time, each once. */
export const HOST = 'bench.test'
export const FIRST = 'first.test'

export interface Material {
  readonly folder: string
  readonly root: string
  readonly issuer: CertificateAndKey
  readonly files: {
    readonly root: string
    /** Of an interceptor that mints leafs: the certificate may sign, the chain ends in the root. */
    readonly issuer: string
    readonly issuerKey: string
    readonly rootKey: string
    /** Pairs of chain and key: `HOST`, `*.FIRST`. */
    readonly origin: readonly string[]
  }
}

const around = (days: number): Date => new Date(Date.now() + days * 86_400_000)

export function makeMaterial(folder: string): Material {
  const span = { notBefore: around(-1), notAfter: around(20) }
  const root = createRoot({ commonName: 'bench', ...span })
  const issuer = createIssuer({ root, hosts: [HOST, `*.${FIRST}`], ...span })
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const chainFor = (host: string): readonly string[] => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
    const leaf = createLeaf({ issuer: openAuthority(issuer), host, publicKey, now: new Date() })
    const name = host.replace('*', 'any')
    return [
      write(`${name}.pem`, leaf + issuer.certificate),
      write(`${name}.key`, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    ]
  }
  return {
    folder,
    root: root.certificate,
    issuer,
    files: {
      root: write('root.pem', root.certificate),
      issuer: write('issuer.pem', issuer.certificate + root.certificate),
      issuerKey: write('issuer.key', issuer.key),
      rootKey: write('root.key', root.key),
      origin: [...chainFor(HOST), ...chainFor(`*.${FIRST}`)],
    },
  }
}
