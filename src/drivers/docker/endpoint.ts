/**
 * Which engine: DOCKER_HOST, else the current docker context, else the default socket. Plain TCP and ssh are refused:
 * the engine's socket is root on that machine, and plain TCP gives it to the network (containment.md, SPP-14).
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { RefusedError } from '../../model/errors.ts'
import { safeText } from '../../model/text.ts'

export type Endpoint =
  | { readonly kind: 'socket'; readonly path: string; readonly from: string }
  | {
      readonly kind: 'tls'
      readonly host: string
      readonly port: number
      readonly from: string
      readonly certificates: TlsFiles
    }

export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

type Environment = Readonly<Record<string, string | undefined>>

export function chooseEndpoint(env: Environment, home: string = homedir()): Endpoint {
  if (env['DOCKER_HOST']) {
    const folder = env['DOCKER_CERT_PATH']
    const verify = env['DOCKER_TLS_VERIFY'] !== undefined && env['DOCKER_TLS_VERIFY'] !== ''
    return parseEndpoint(
      env['DOCKER_HOST'],
      'DOCKER_HOST',
      verify ? (folder ?? join(home, '.docker')) : undefined,
    )
  }
  const folder = env['DOCKER_CONFIG'] ?? join(home, '.docker')
  const context = env['DOCKER_CONTEXT'] ?? currentContext(folder)
  if (context !== undefined && context !== 'default') return contextEndpoint(folder, context)
  return { kind: 'socket', path: defaultSocket(home), from: 'the default socket' }
}

/** For the first line of a plan. */
export function describeEndpoint(endpoint: Endpoint): string {
  return endpoint.kind === 'socket'
    ? `unix://${endpoint.path}`
    : `tcp://${endpoint.host}:${endpoint.port} (TLS)`
}

function parseEndpoint(text: string, from: string, certificates: string | undefined): Endpoint {
  const shown = safeText(text)
  if (text.startsWith('unix://')) return { kind: 'socket', path: text.slice('unix://'.length), from }
  if (text.startsWith('/')) return { kind: 'socket', path: text, from }
  if (text.startsWith('ssh://')) {
    throw new RefusedError(`${from} names the engine ${shown}: ssh is not supported`, {
      code: 'engine-ssh',
      hint: 'forward its socket: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, then DOCKER_HOST=unix:///tmp/docker.sock',
    })
  }
  const tcp = /^tcp:\/\/([^/:[\]]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?\/?$/.exec(text)
  if (!tcp) {
    throw new RefusedError(`${from} names the engine ${shown}: not an address this program understands`, {
      code: 'engine-endpoint',
      hint: 'use unix:///path/to/docker.sock, or tcp://host:2376 with TLS',
    })
  }
  if (certificates === undefined) {
    throw new RefusedError(`${from} names the engine ${shown}: plain TCP hands the engine to the network`, {
      code: 'engine-plain-tcp',
      hint: 'set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a unix:// socket',
    })
  }
  return {
    kind: 'tls',
    host: (tcp[1] ?? '').replace(/^\[|\]$/g, ''),
    port: Number(tcp[2] ?? 2376),
    from,
    certificates: readTls(certificates),
  }
}

function readTls(folder: string): TlsFiles {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  try {
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
  } catch (cause) {
    throw new RefusedError(`the engine's certificates in ${folder} cannot be read`, {
      code: 'engine-certificates',
      hint: 'DOCKER_CERT_PATH must hold ca.pem, cert.pem and key.pem',
      cause,
    })
  }
}

function currentContext(folder: string): string | undefined {
  const config = readJson(join(folder, 'config.json'))
  const name = config?.['currentContext']
  return typeof name === 'string' && name !== '' ? name : undefined
}

function contextEndpoint(folder: string, name: string): Endpoint {
  const id = createHash('sha256').update(name).digest('hex')
  const meta = readJson(join(folder, 'contexts', 'meta', id, 'meta.json'))
  const endpoints = record(meta?.['Endpoints'])
  const host = record(endpoints?.['docker'])?.['Host']
  if (typeof host !== 'string') {
    throw new RefusedError(`the docker context ${safeText(name)} is current but has no engine`, {
      code: 'engine-context',
      hint: 'docker context use default, or set DOCKER_HOST',
    })
  }
  const tls = join(folder, 'contexts', 'tls', id, 'docker')
  return parseEndpoint(host, `docker context ${name}`, existsSync(tls) ? tls : undefined)
}

function defaultSocket(home: string): string {
  const own = join(home, '.docker', 'run', 'docker.sock')
  return existsSync('/var/run/docker.sock') || !existsSync(own) ? '/var/run/docker.sock' : own
}

function readJson(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return record(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}
