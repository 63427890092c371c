/**
 * Fetches the packages of an agent program from the npm registry, on this machine: what came is compared with the lock
 * before a byte of it is unpacked. No package is run, no build has a network for it.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DriverError } from '../../../model/errors.ts'
import type { LockedPackage } from '../../../model/provider.ts'
import { unpack } from './npm-archive.ts'
import type { TarEntry } from './tar.ts'

export interface Registry {
  readonly url: string
  fetch(url: string, options: { readonly signal: AbortSignal }): Promise<Response>
}

/** As npm knows it: `npm_config_registry`, else the public one. A mirror cannot bring anything else: the lock says what it is. */
export function npmRegistry(env: Readonly<Record<string, string | undefined>>): Registry {
  const url = (env['npm_config_registry'] ?? 'https://registry.npmjs.org').replace(/\/+$/, '')
  return { url, fetch: (address, options) => fetch(address, options) }
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
  for (const [index, one] of wanted.entries()) {
    progress(`fetching ${one.name} ${one.version}`)
    const packed = join(folder, `${index}.tgz`)
    await download(one, packed, registry, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]))
    const into = join(folder, String(index))
    await mkdir(into)
    const files = await unpack(createReadStream(packed), into, one.name)
    await rm(packed)
    entries.push(
      ...files.map(({ path, file, mode }): TarEntry => ({ path: `${one.path}/${path}`, mode, file })),
    )
  }
  return entries
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
    const answer = await registry.fetch(url, { signal })
    if (!answer.ok || !answer.body) throw new Error(`it answered ${answer.status}`)
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    await pipeline(Readable.fromWeb(answer.body), hashing, createWriteStream(to), { signal })
  } catch (cause) {
    signal.throwIfAborted()
    throw new DriverError(`${name} ${version} could not be fetched from ${registry.url}: ${reason(cause)}`, {
      code: 'program-fetch',
      transient: true,
      hint: 'check that this machine reaches the registry; npm_config_registry names a mirror, NODE_USE_ENV_PROXY=1 goes through HTTPS_PROXY',
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
