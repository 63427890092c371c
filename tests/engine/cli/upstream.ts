/** An HTTPS server on the host's address of the engine's default bridge, signed by an authority of its own; remembers who asked with what. */
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:https'
import { createLeaf, createRoot, openAuthority } from '../../../src/model/x509.ts'
import { docker } from '../docker/stack.ts'

const DAY = 86_400_000

export interface Upstream {
  readonly address: string
  readonly port: number
  /** PEM, for `uplink.trust`. */
  readonly authority: string
  readonly asked: readonly { readonly path: string; readonly authorization: string | undefined }[]
  close(): void
}

export async function openUpstream(host: string): Promise<Upstream> {
  // 20.10 leaves it out until the first container has joined.
  const gateway = docker('network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Gateway}}')
  const address = gateway === '' ? '172.17.0.1' : gateway
  const now = new Date()
  const authority = createRoot({
    commonName: 'Test upstream authority',
    notBefore: new Date(now.getTime() - DAY),
    notAfter: new Date(now.getTime() + DAY),
  })
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const asked: { path: string; authorization: string | undefined }[] = []
  const server = createServer(
    {
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: createLeaf({
        issuer: openAuthority(authority),
        host,
        publicKey: publicKey.export({ type: 'spki', format: 'der' }),
        now,
      }),
    },
    (request, response) => {
      asked.push({ path: request.url ?? '', authorization: request.headers.authorization })
      response.end('hello from upstream\n')
    },
  )
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const bound = server.address()
  return {
    address,
    port: typeof bound === 'object' && bound ? bound.port : 0,
    authority: authority.certificate,
    asked,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
