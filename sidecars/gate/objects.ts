/**
 * Reads every object that a push adds to the upstream, once, in the order of `rev-list`, and counts what it has read.
 * An object that is listed and not read, or that git does not give, ends in `Doubt`, never in a smaller list.
 */
import type { Readable, Writable } from 'node:stream'
import { controls } from './controls.ts'
import { git, startGit } from './git.ts'
import type { GitRun } from './git.ts'

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'

export interface ObjectHead {
  readonly oid: string
  readonly type: ObjectType
  readonly size: number
  /** A path it has in one of the new trees; empty for a commit, a tag and a top tree. */
  readonly path: string
}

/** What is done with one object. It gets pieces in order; whatever it throws ends the pass. */
export interface ObjectReader {
  begin(head: ObjectHead): void
  piece(bytes: Buffer, last: boolean): void
}

export interface Counted {
  readonly commits: number
  readonly objects: number
  readonly bytes: number
}

/** Something is not as it has to be, so that nobody can say what was looked at. */
export class Doubt extends Error {
  override readonly name = 'Doubt'
}

/** Behind commands that list: what the tips on standard input reach and no ref does. */
export const NEW = ['--stdin', '--not', '--all'] as const
/** Objects of one push. */
export const OBJECTS_MAX = 2_000_000

const HEAD = /^([0-9a-f]{40}) (commit|tree|blob|tag) ([0-9]{1,15})$/

/** `tips`: object ids. New is what no ref of the repository reaches; those are the upstream's. */
export async function readNewObjects(
  run: GitRun,
  tips: readonly string[],
  reader: ObjectReader,
): Promise<Counted> {
  const asked = `${tips.join('\n')}\n`
  const listing = startGit(['rev-list', '--objects', ...NEW], run)
  const contents = startGit(['cat-file', '--batch', '--buffer'], run)
  const commits = controls.on('scan-count') ? countCommits(run, asked) : undefined
  commits?.catch(() => undefined)
  const pending: { readonly oid: string; readonly path: string }[] = []
  let listed = 0
  listing.stdin.end(asked)
  const feeding = (async () => {
    for await (const lines of linesOf(listing.stdout)) {
      listed += lines.length
      if (listed > OBJECTS_MAX) throw new Doubt('too many objects')
      for (const line of lines) pending.push({ oid: line.slice(0, 40), path: line.slice(41) })
      const ids = lines.map((line) => `${line.slice(0, 40)}\n`).join('')
      if (!contents.stdin.write(ids)) await drained(contents.stdin)
    }
    const { code, stderr } = await listing.gone
    if (code !== 0) throw new Doubt(`objects cannot be listed: ${stderr.slice(0, 300)}`)
    contents.stdin.end()
  })()
  feeding.catch(() => contents.end())
  const counted = { commits: 0, objects: 0, bytes: 0 }
  try {
    await readBatch(contents.stdout, () => pending.shift(), reader, counted)
    await feeding
    const { code } = await contents.gone
    if (code !== 0) throw new Doubt('objects cannot be read')
    if (commits !== undefined) compare(listed, counted, await commits)
    return counted
  } finally {
    listing.end()
    contents.end()
    await feeding.catch(() => undefined)
  }
}

/** A count of its own. */
async function countCommits(run: GitRun, asked: string): Promise<number> {
  const { stdout } = await git(['rev-list', '--count', ...NEW], run, { input: asked })
  return Number(stdout.toString().trim())
}

/** What was read is what is listed, and as many commits as another count finds. */
function compare(listed: number, counted: Counted, commits: number): void {
  if (counted.objects !== listed) throw new Doubt(`${listed} objects are new, ${counted.objects} were read`)
  if (commits !== counted.commits) throw new Doubt(`${commits} commits are new, ${counted.commits} were read`)
}

async function readBatch(
  stream: Readable,
  next: () => { readonly oid: string; readonly path: string } | undefined,
  reader: ObjectReader,
  counted: { commits: number; objects: number; bytes: number },
): Promise<void> {
  let held: Buffer = Buffer.alloc(0)
  /** Bytes of the object at hand; its line feed is the last of them. -1: between two. */
  let left = -1
  for await (const piece of stream as AsyncIterable<Buffer>) {
    let bytes: Buffer = held.length === 0 ? piece : Buffer.concat([held, piece])
    for (;;) {
      if (left === -1) {
        const end = bytes.indexOf(10)
        if (end === -1) break
        const head = headOf(bytes.toString('latin1', 0, end), next())
        reader.begin(head)
        counted.objects += 1
        counted.bytes += head.size
        if (head.type === 'commit') counted.commits += 1
        left = head.size + 1
        bytes = bytes.subarray(end + 1)
        continue
      }
      if (bytes.length === 0) break
      const taken = Math.min(bytes.length, left)
      const isLast = taken === left
      reader.piece(bytes.subarray(0, isLast ? taken - 1 : taken), isLast)
      bytes = bytes.subarray(taken)
      left = isLast ? -1 : left - taken
    }
    held = bytes
  }
  if (left !== -1 || held.length > 0) throw new Doubt('the last object is cut')
}

function headOf(
  line: string,
  asked: { readonly oid: string; readonly path: string } | undefined,
): ObjectHead {
  const match = HEAD.exec(line)
  if (match === null || asked === undefined || match[1] !== asked.oid)
    throw new Doubt(`an object is not there: ${line.slice(0, 80)}`)
  return { oid: asked.oid, type: match[2] as ObjectType, size: Number(match[3]), path: asked.path }
}

/** Lines as they come, many at once. */
async function* linesOf(stream: Readable): AsyncGenerator<readonly string[]> {
  let held = ''
  for await (const piece of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (held + piece).split('\n')
    held = lines.pop() ?? ''
    if (lines.length > 0) yield lines
  }
  if (held !== '') throw new Doubt('the last line is cut')
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    // Nothing more is said by a stream that has closed.
    if (stream.destroyed) return reject(new Doubt('objects cannot be read'))
    const settle = (): void => {
      stream.off('drain', settle)
      stream.off('close', gone)
      resolve()
    }
    const gone = (): void => {
      stream.off('drain', settle)
      reject(new Doubt('objects cannot be read'))
    }
    stream.once('drain', settle)
    stream.once('close', gone)
  })
}
