/**
 * Repositories for `git fast-import`, the same bytes for the same seed: files of several languages with sizes as real
 * code has them (log-normal, few large ones), each with later versions that differ in a few lines, in folders of folders.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { seeded } from '../../sidecars/detect/samples.ts'
import type { Random } from '../../sidecars/detect/samples.ts'
import { code, oneOf } from '../../tests/unit/detect/quality-ordinary-code.ts'

export interface Plan {
  readonly seed: string
  readonly branch: string
  /** A commit that it goes on from; absent: it begins. */
  readonly from?: string
  readonly commits: number
  /** Bytes of all files in all their versions. */
  readonly bytes: number
  /** Median size of a new file, bytes. */
  readonly size: number
}

export interface Made {
  /** Of files in all their versions. */
  readonly bytes: number
  readonly blobs: number
}

/** Of each file. */
const VERSIONS = 2
/** Lines of each language to choose from. */
const POOL = 12_000
const LANGUAGES = { TypeScript: 'ts', Python: 'py', settings: 'conf' } as const
const SIGMA = 1.1

/** Written into `git` as it is made: nothing of it is held but the names of versions. */
export async function makeCommits(repository: string, plan: Plan): Promise<Made> {
  const child = spawn(
    'git',
    ['-c', 'core.compression=6', '-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--force'],
    { cwd: repository, stdio: ['pipe', 'ignore', 'inherit'] },
  )
  const ended = once(child, 'exit')
  const out = new Stream(child.stdin)
  const { versions, bytes } = await writeFiles(out, plan)
  await writeHistory(out, plan, versions)
  child.stdin.end()
  const [status] = await ended
  if (status !== 0) throw new Error(`git fast-import ended with ${String(status)}`)
  return { bytes, blobs: versions.length }
}

interface Version {
  readonly path: string
  readonly mark: number
  /** Its place in the file's history, from 0. */
  readonly age: number
}

async function writeFiles(
  out: Stream,
  { seed, bytes, size }: Plan,
): Promise<{ readonly versions: readonly Version[]; readonly bytes: number }> {
  const random = seeded(`${seed} files`)
  const languages = Object.entries(LANGUAGES).map(([kind, extension]) => ({
    extension,
    pool: code(kind, POOL, random).split('\n'),
  }))
  const versions: Version[] = []
  let written = 0
  for (let file = 0; written < bytes; file++) {
    const { extension, pool } = oneOf(languages, random)
    const path = `${folderOf(random)}/part_${file}.${extension}`
    const lines = linesOf(pool, logNormal(size, random), random)
    for (let age = 0; age < VERSIONS && written < bytes; age++) {
      if (age > 0) edit(lines, pool, random)
      const content = Buffer.from(`${lines.join('\n')}\n`)
      versions.push({ path, mark: versions.length + 1, age })
      await out.data(`blob\nmark :${versions.length}\n`, content)
      written += content.length
    }
  }
  return { versions, bytes: written }
}

/** Every version in one commit, a file's in their order, several files in each. */
async function writeHistory(
  out: Stream,
  { seed, branch, from, commits }: Plan,
  versions: readonly Version[],
): Promise<void> {
  const random = seeded(`${seed} history`)
  const placed: Version[][] = Array.from({ length: commits }, () => [])
  let least = 0
  for (const version of versions) {
    least = version.age === 0 ? random(commits) : least + random(commits - least)
    placed[least]?.push(version)
  }
  for (const [at, changed] of placed.entries()) {
    const when = 1_700_000_000 + at * 300
    const last = new Map(changed.map(({ path, mark }) => [path, mark]))
    const lines = [
      `commit ${branch}`,
      `author Agent ${at % 7} <agent${at % 7}@bottle.test> ${when} +0000`,
      `committer Agent <agent@bottle.test> ${when} +0000`,
    ]
    await out.data(
      `${lines.join('\n')}\n`,
      Buffer.from(`Change ${last.size} files\n\nPart ${at} of ${seed}.\n`),
    )
    const start = at === 0 && from !== undefined ? `from ${from}\n` : ''
    const files = [...last].map(([path, mark]) => `M 100644 :${mark} ${path}\n`)
    await out.write(`${start}${files.join('')}\n`)
  }
}

const folderOf = (random: Random): string => `src/area_${random(24)}/unit_${random(24)}`

function linesOf(pool: readonly string[], size: number, random: Random): string[] {
  const lines: string[] = []
  for (let length = 0; length < size;) {
    const line = pool[random(pool.length)] ?? ''
    lines.push(line)
    length += line.length + 1
  }
  return lines
}

/** Two places change: some lines go, others come. */
function edit(lines: string[], pool: readonly string[], random: Random): void {
  for (let place = 0; place < 2; place++)
    lines.splice(random(lines.length), random(6), ...linesOf(pool, 40 + random(400), random))
}

function logNormal(median: number, random: Random): number {
  const uniform = (): number => (1 + random(1 << 30)) / (1 << 30)
  const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  return Math.min(512 * 1024, Math.max(64, median * Math.exp(SIGMA * normal)))
}

/** Standard input of another program, no faster than it reads. */
class Stream {
  readonly #into: Writable

  constructor(into: Writable) {
    this.#into = into
  }

  async write(text: string | Buffer): Promise<void> {
    if (!this.#into.write(text)) await once(this.#into, 'drain')
  }

  data(head: string, content: Buffer): Promise<void> {
    return this.write(Buffer.concat([Buffer.from(`${head}data ${content.length}\n`), content, NEWLINE]))
  }
}

const NEWLINE = Buffer.from('\n')
