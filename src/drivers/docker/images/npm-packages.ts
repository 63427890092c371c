/**
 * Fetches the packages of an agent program from the npm registry, on this machine: what came is compared with the lock
 * before a byte of it is unpacked. No package is run, no build has a network for it.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { getCACertificates, rootCertificates } from 'node:tls'
import { DriverError } from '../../../model/errors.ts'
import type { LockedPackage } from '../../../model/provider.ts'
import { unpack } from './npm-archive.ts'
import type { TarEntry } from './tar.ts'

export interface Registry {
  readonly url: string
  /** The bytes at an address; anything but an answer with them is an error. */
  get(url: string, signal: AbortSignal): Promise<Readable>
}

/**
 * As npm knows it: `npm_config_registry`, else the public one, through the proxy that the environment names. A mirror
 * cannot bring anything else: the lock says what it is.
 */
export function npmRegistry(env: Readonly<Record<string, string | undefined>>): Registry {
  const url = (env['npm_config_registry'] ?? 'https://registry.npmjs.org').replace(/\/+$/, '')
  return { url, get: (address, signal) => get(address, env, signal) }
}

const REDIRECTS_MAX = 5

async function get(
  url: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  hops = 0,
): Promise<Readable> {
  const agent = new Agent({ ca: authorities(), proxyEnv: { ...env } })
  const [answer] = (await once(request(url, { agent, signal }).end(), 'response', { signal })) as [
    IncomingMessage,
  ]
  const { statusCode = 0, headers } = answer
  if (statusCode === 200) return answer
  answer.destroy()
  const { location } = headers
  if (statusCode >= 300 && statusCode < 400 && location !== undefined && hops < REDIRECTS_MAX)
    return get(new URL(location, url).href, env, signal, hops + 1)
  throw new Error(`it answered ${statusCode}`)
}

/** The system's store, as npm's own users have it; where there is none, Node's own list. */
function authorities(): string[] {
  const system = getCACertificates('system')
  return [...(system.length > 0 ? system : rootCertificates)]
}

/** Longest time of one archive, milliseconds. */
const PATIENCE = 900_000

/** Files of all packages for an engine's architecture, by their path below the program's folder; on disk in `folder`. */
export async function fetchPackages(
  packages: readonly LockedPackage[],
  cpu: string,
  folder: string,
  registry: Registry,
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<readonly TarEntry[]> {
  const wanted = packages.filter((one) => one.cpu === undefined || one.cpu === cpu)
  const entries: TarEntry[] = []
  for (let from = 0; from < wanted.length; from += AT_ONCE) {
    const some = wanted.slice(from, from + AT_ONCE)
    progress(`fetching ${some.map(({ name, version }) => `${name} ${version}`).join(', ')}`)
    const fetched = await Promise.all(
      some.map((one, index) => fetchOne(one, join(folder, String(from + index)), registry, signal)),
    )
    entries.push(...fetched.flat())
  }
  return entries
}

/** Archives on their way at once. */
const AT_ONCE = 6

async function fetchOne(
  one: LockedPackage,
  into: string,
  registry: Registry,
  signal: AbortSignal,
): Promise<readonly TarEntry[]> {
  const packed = `${into}.tgz`
  await download(one, packed, registry, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]))
  await mkdir(into)
  const files = await unpack(createReadStream(packed), into, one.name)
  await rm(packed)
  return files.map(({ path, file, mode }): TarEntry => ({ path: `${one.path}/${path}`, mode, file }))
}

async function download(
  { name, version, integrity }: LockedPackage,
  to: string,
  registry: Registry,
  signal: AbortSignal,
): Promise<void> {
  const url = `${registry.url}/${name}/-/${name.slice(name.indexOf('/') + 1)}-${version}.tgz`
  const hash = createHash('sha512')
  try {
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    await pipeline(await registry.get(url, signal), hashing, createWriteStream(to), { signal })
  } catch (cause) {
    signal.throwIfAborted()
    throw new DriverError(`${name} ${version} could not be fetched from ${registry.url}: ${reason(cause)}`, {
      code: 'program-fetch',
      transient: true,
      hint: 'check that this machine reaches the registry; npm_config_registry names a mirror, HTTPS_PROXY a proxy on the way',
      cause,
    })
  }
  const found = `sha512-${hash.digest('base64')}`
  if (found === integrity) return
  throw new DriverError(`${name} ${version} from ${registry.url} is not what the lock of this release says`, {
    code: 'program-checksum',
    hint: `expected ${integrity}, got ${found}; nothing of it was used`,
  })
}

function reason(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  return inner instanceof Error ? inner.message : String(inner)
}
