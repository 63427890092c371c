/** What is measured: every peer as plain processes, each in front of the same origin. */
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { run } from '../../scripts/labs/cache.ts'
import { ensureMitmproxy, ensureNginx, ensureSquid, goProgram } from '../../scripts/labs/peers.ts'
import type { Way } from './generator.ts'
import { HOST } from './material.ts'
import type { Material } from './material.ts'
import { startOurs } from './ours/start.ts'
import { firstLine, start } from './process.ts'

export const PEERS = ['direct', 'tunnel', 'nginx', 'squid', 'goproxy', 'mitmproxy', 'ours'] as const
export type PeerName = (typeof PEERS)[number]

export interface Peer {
  readonly name: PeerName
  readonly way: Way
  /** Processes whose use counts, by what they are; of ours two, else `proxy`; of direct access none. */
  readonly pids: Readonly<Record<string, number>>
  /** A host can be new to it. */
  readonly intercepts: boolean
}

export interface Surroundings {
  readonly material: Material
  readonly originPort: number
  /** Names that will be met for the first time. */
  readonly hosts: readonly string[]
  /** `load/`, built. */
  readonly load: string
}

type Start = (around: Surroundings) => Promise<Omit<Peer, 'name' | 'way'> & { readonly port: number }>

/** Throws for a peer that cannot be had. */
export async function startPeer(name: PeerName, around: Surroundings): Promise<Peer> {
  const { port, ...peer } = await STARTS[name](around)
  const isDoor = name !== 'direct' && name !== 'nginx'
  return {
    name,
    ...peer,
    way: { address: `127.0.0.1:${port}`, connect: isDoor, host: HOST, port: around.originPort },
  }
}

const STARTS: Readonly<Record<PeerName, Start>> = {
  direct: ({ originPort }) => Promise.resolve({ port: originPort, pids: {}, intercepts: false }),

  tunnel: async ({ load, originPort }) => announced([load, 'tunnel', `127.0.0.1:${originPort}`], false),

  nginx: async ({ material, originPort }) => {
    const program = await ensureNginx()
    const port = await freePort()
    const file = join(material.folder, 'nginx.conf')
    writeFileSync(file, nginxSettings(material, port, originPort))
    // One certificate, one upstream: no host is new to it.
    return { ...(await listening([program, '-e', 'stderr', '-c', file], port)), intercepts: false }
  },

  squid: async ({ material, originPort, hosts }) => {
    const { squid, minting } = await ensureSquid()
    const port = await freePort()
    const folder = mkdtempSync(`${material.folder}-squid-`)
    const { issuer, issuerKey, root } = material.files
    for (const file of [issuer, issuerKey, root]) copyFileSync(file, join(folder, basename(file)))
    writeFileSync(join(folder, 'hosts'), [HOST, ...hosts].map((host) => `127.0.0.1 ${host}\n`).join(''))
    writeFileSync(join(folder, 'squid.conf'), squidSettings(folder, port, originPort, minting))
    run([minting, '-c', '-s', join(folder, 'minted'), '-M', '4MB'])
    // It refuses to be root.
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
    if (user.uid !== undefined) run(['chown', '-R', `${NOBODY}:${NOBODY}`, folder])
    return listening(
      [squid, '-N', '-n', `bench${process.pid}`, '-d', '1', '-f', join(folder, 'squid.conf')],
      port,
      user,
    )
  },

  goproxy: async ({ material, originPort }) => {
    const program = await goProgram(join(import.meta.dirname, 'interceptor'))
    const { issuer, issuerKey, root } = material.files
    return announced([program, issuer, issuerKey, root, `127.0.0.1:${originPort}`], true)
  },

  mitmproxy: async ({ material }) => {
    const program = await ensureMitmproxy()
    const port = await freePort()
    const addon = join(material.folder, 'here.py')
    writeFileSync(addon, MITMPROXY_ADDON)
    const { root, rootKey } = material.files
    // It reads key and certificate from one file of this name, and sends no chain.
    writeFileSync(
      join(material.folder, 'mitmproxy-ca.pem'),
      readFileSync(rootKey, 'utf8') + readFileSync(root, 'utf8'),
      { mode: 0o600 },
    )
    const settings = {
      confdir: material.folder,
      ssl_verify_upstream_trusted_ca: root,
      http2: 'false',
      connection_strategy: 'lazy',
      upstream_cert: 'false',
      flow_detail: '0',
    }
    const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    return listening(
      [program, '--quiet', '--listen-host', '127.0.0.1', '--listen-port', `${port}`, '-s', addon, ...set],
      port,
    )
  },

  ours: async (around) => ({ ...(await startOurs(around)), intercepts: true }),
}

/** A program of ours in Go, which says its port. */
async function announced(argv: readonly string[], intercepts: boolean): ReturnType<Start> {
  const child = start(argv)
  const port = Number(await firstLine(child))
  return { port, pids: { proxy: child.pid ?? 0 }, intercepts }
}

/** A program that is told its port. */
async function listening(
  argv: readonly string[],
  port: number,
  user: { readonly uid?: number; readonly gid?: number } = {},
): ReturnType<Start> {
  const child = start(argv, user)
  let said = ''
  child.stderr?.on('data', (piece: Buffer) => (said = `${said}${piece.toString()}`.slice(-2000)))
  child.stdout?.resume()
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`${argv[0]} ended with ${child.exitCode}: ${said}`)
    if (await answers(port)) return { port, pids: { proxy: child.pid ?? 0 }, intercepts: true }
    await pause(50)
  }
  throw new Error(`${argv[0]} does not listen: ${said}`)
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** One worker, as every other peer has one; it terminates and re-encrypts, verifies its upstream, keeps connections, buffers nothing. */
const nginxSettings = ({ files, folder }: Material, port: number, originPort: number): string => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; client_max_body_size 0;
  client_body_temp_path ${folder}/nginx-body; proxy_temp_path ${folder}/nginx-proxy;
  fastcgi_temp_path ${folder}/nginx-f; uwsgi_temp_path ${folder}/nginx-u; scgi_temp_path ${folder}/nginx-s;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${files.origin[0]}; ssl_certificate_key ${files.origin[1]};
    location / {
      proxy_pass https://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_server_name on; proxy_ssl_name ${HOST}; proxy_ssl_verify on; proxy_ssl_verify_depth 3;
      proxy_ssl_trusted_certificate ${files.root}; proxy_buffering off; proxy_request_buffering off;
    }
  }
}
`

/** Every name is here. A hook that gives another address would make it dial for each request. */
const MITMPROXY_ADDON = `import socket
ask = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **named: ask("127.0.0.1", *rest, **named)
`

const NOBODY = 65_534

const squidSettings = (folder: string, port: number, originPort: number, minting: string): string => `
http_port 127.0.0.1:${port} ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert=${folder}/issuer.pem tls-key=${folder}/issuer.key
sslcrtd_program ${minting} -s ${folder}/minted -M 4MB
ssl_bump bump all
tls_outgoing_options cafile=${folder}/root.pem
acl bench port ${originPort}
http_access allow bench
http_access deny all
hosts_file ${folder}/hosts
cache deny all
memory_cache_shared off
sslproxy_session_cache_size 0
access_log none
cache_log /dev/null
pid_filename none
server_persistent_connections on
client_persistent_connections on
shutdown_lifetime 0 seconds
`
