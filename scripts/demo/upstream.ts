/** The demo's HTTPS upstream: a certificate for its two names from a throw-away authority, and a memory of who asked with what. */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createSecureContext } from 'node:tls'
import { bridgeAddress } from './stage.ts'
import { createLeaf, createRoot, openAuthority } from '../../src/model/x509.ts'

const DAY_MS = 86_400_000
const NAMES = ['api.demo.example', 'docs.demo.example']

export interface Upstream {
  readonly address: string
  readonly port: number
  lastAuthorization(): string | undefined
  close(): void
}

/** Listens on the host's address of the engine's default bridge; when that is not the one in the manifest, the manifest gets it. */
export async function startUpstream(manifest: string, caPath: string, port = 8443): Promise<Upstream> {
  const address = bridgeAddress()
  writeFileSync(manifest, readFileSync(manifest, 'utf8').replaceAll('172.17.0.1', address))
  const now = Date.now()
  const authority = createRoot({
    commonName: 'Demo upstream authority',
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + DAY_MS),
  })
  writeFileSync(caPath, authority.certificate)
  const issuer = openAuthority(authority)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const leaf = (host: string) => createLeaf({ issuer, host, publicKey: spki, now: new Date(now) })
  const contexts = new Map(NAMES.map((host) => [host, createSecureContext({ cert: leaf(host), key })]))
  let lastAuthorization: string | undefined
  const server = createServer(
    {
      SNICallback: (name, done) => done(null, contexts.get(name)),
    },
    (request, response) => {
      lastAuthorization = request.headers.authorization
      response.setHeader('content-type', 'application/json')
      response.end(
        `${JSON.stringify({ hello: 'from upstream', host: request.headers.host, path: request.url })}\n`,
      )
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  const bound = server.address()
  return {
    address,
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    lastAuthorization: () => lastAuthorization,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
