/** Packages of an agent program, fetched from a registry of the test. */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { programEntries } from '../../../src/drivers/docker/images/agent-image.ts'
import { fetchPackages } from '../../../src/drivers/docker/images/npm-packages.ts'
import { tar, type TarEntry } from '../../../src/drivers/docker/images/tar.ts'
import type { LockedPackage } from '../../../src/model/provider.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bb-packages-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const packed = async (entries: readonly TarEntry[]): Promise<Buffer> => gzipSync(await buffer(tar(entries)))
const integrityOf = (bytes: Buffer) => `sha512-${createHash('sha512').update(bytes).digest('base64')}`
const locked = (bytes: Buffer, over: Partial<LockedPackage> = {}): LockedPackage => ({
  path: 'node_modules/@acme/agent',
  name: '@acme/agent',
  version: '1.2.3',
  integrity: integrityOf(bytes),
  ...over,
})

/** A registry that has this one archive, whatever is asked; remembers what was. */
function registry(bytes: Buffer) {
  const asked: string[] = []
  const get = async (url: string): Promise<Readable> => {
    asked.push(url)
    return Readable.from([bytes])
  }
  return { url: 'https://registry.example', asked, get }
}

const fetched = (packages: readonly LockedPackage[], from: ReturnType<typeof registry>, cpu = 'x64') =>
  fetchPackages(packages, cpu, folder, from, () => {}, AbortSignal.timeout(10_000))

const AGENT: readonly TarEntry[] = [
  { path: 'package/package.json', mode: 0o644, content: '{}' },
  { path: 'package/./bin/agent', mode: 0o755, content: '#!/bin/true\n' },
]

describe('a package of the lock', () => {
  it('lies in its own place below the program, with what may be run', async () => {
    const bytes = await packed(AGENT)
    const from = registry(bytes)
    const entries = await fetched([locked(bytes)], from)
    expect(from.asked).toEqual(['https://registry.example/@acme/agent/-/agent-1.2.3.tgz'])
    expect(entries.map(({ path, mode }) => [path, mode.toString(8)])).toEqual([
      ['node_modules/@acme/agent/package.json', '644'],
      ['node_modules/@acme/agent/bin/agent', '755'],
    ])
    const [, program] = entries
    expect(program && 'file' in program && readFileSync(program.file, 'utf8')).toBe('#!/bin/true\n')
  })

  it('is fetched for the architecture of the engine alone', async () => {
    const bytes = await packed(AGENT)
    const from = registry(bytes)
    const both = ['x64', 'arm64'].map((cpu) => locked(bytes, { cpu, path: `node_modules/${cpu}` }))
    const entries = await fetched(both, from, 'arm64')
    expect(new Set(entries.map(({ path }) => path.split('/')[1]))).toEqual(new Set(['arm64']))
  })

  it('is refused before it is unpacked where it is not what the lock says', async () => {
    const bytes = await packed(AGENT)
    const other = await packed([{ path: 'package/other', mode: 0o644, content: 'other' }])
    await expect(fetched([locked(bytes)], registry(other))).rejects.toMatchObject({
      code: 'program-checksum',
    })
    expect(readdirSync(folder)).toEqual(['0.tgz'])
  })

  it('keeps large files whole', async () => {
    const content = Buffer.alloc(3_000_001, 'abc')
    const bytes = await packed([{ path: 'package/large', mode: 0o644, content }, ...AGENT])
    const [large] = await fetched([locked(bytes)], registry(bytes))
    expect(large && 'file' in large && statSync(large.file).size).toBe(3_000_001)
  })

  it.each([
    ['leaves its folder', { path: 'package/../../outside', mode: 0o644, content: 'x' }],
    ['is a link', { path: 'package/link', mode: 0o777, link: '/etc/passwd' }],
  ] as const)('is refused with an entry that %s', async (_what, entry) => {
    const bytes = await packed([entry])
    await expect(fetched([locked(bytes)], registry(bytes))).rejects.toMatchObject({ code: 'program-archive' })
  })

  it('is asked for again when the registry did not answer', async () => {
    const bytes = await packed(AGENT)
    const away = { ...registry(bytes), get: () => Promise.reject(new Error('it answered 503')) }
    await expect(fetched([locked(bytes)], away)).rejects.toMatchObject({
      code: 'program-fetch',
      transient: true,
      message: '@acme/agent 1.2.3 could not be fetched from https://registry.example: it answered 503',
    })
  })
})

describe('the layer of a program', () => {
  it('has a link for each command, to a file that may be run', () => {
    const files: readonly TarEntry[] = [
      { path: 'node_modules/a/cli.js', mode: 0o644, file: '/tmp/cli.js' },
      { path: 'node_modules/a/readme', mode: 0o644, file: '/tmp/readme' },
    ]
    const commands = { agent: { x64: 'node_modules/a/cli.js' } }
    const recipe = { packages: [], commands, verify: [] }
    expect(programEntries(recipe, files, 'x64')).toEqual([
      { path: 'agent/node_modules/a/cli.js', mode: 0o755, file: '/tmp/cli.js' },
      { path: 'agent/node_modules/a/readme', mode: 0o644, file: '/tmp/readme' },
      { path: 'bin/agent', mode: 0o777, link: '/opt/agent/node_modules/a/cli.js' },
    ])
  })
})
