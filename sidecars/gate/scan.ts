/**
 * Looks at one object after the other: commits and tags as they are, trees by their names, files as bytes. Attributes,
 * comments and configuration in the pushed tree are text like any other.
 */
import { KnownSearch } from '../detect/known.ts'
import { lookThrough } from '../detect/look.ts'
import type { Detectors, Hit } from '../detect/look.ts'
import { safeText } from '../../src/model/text.ts'
import type { SafeText } from '../../src/model/text.ts'
import { Doubt } from './objects.ts'
import type { ObjectHead, ObjectReader } from './objects.ts'

export interface Found {
  readonly rule: string
  readonly oid: string
  readonly type: ObjectHead['type'] | 'ref'
  readonly path: string
  /** From 1. */
  readonly line: number
  /** The line with what was found masked. */
  readonly excerpt: SafeText
}

/** Findings that are told; the rest is counted. */
export const FOUND_MAX = 20
/** A file up to this size is looked at whole, and packed content only then, bytes. */
const WHOLE_MAX = 16 * 1024 * 1024
/** A larger one is looked at in pieces of at least this size. */
const PIECE = 1024 * 1024
/** Bytes that are looked at again with the next piece. */
const OVERLAP = 2048
/** Commits, tags and trees larger than this are none that git makes. */
const META_MAX = 32 * 1024 * 1024

/** Objects that are remembered; then it begins anew. */
const CLEAN_MAX = 100_000

/**
 * Objects in which the same detectors found nothing: an amended push brings most of them again. Of a tree, what its
 * folder's last one was called: a commit that adds no file makes trees with the same names.
 */
export class CleanObjects {
  readonly #oids = new Set<string>()
  readonly #names = new Map<string, Buffer>()

  has(oid: string): boolean {
    return this.#oids.has(oid)
  }

  add(oid: string): void {
    if (this.#oids.size >= CLEAN_MAX) this.#oids.clear()
    this.#oids.add(oid)
  }

  hasNames(path: string, names: Buffer): boolean {
    return this.#names.get(path)?.equals(names) ?? false
  }

  addNames(path: string, names: Buffer): void {
    if (names.length > NAMES_MAX) return
    if (this.#names.size >= FOLDERS_MAX) this.#names.clear()
    this.#names.set(path, names)
  }
}

/** Folders whose names are remembered, and bytes of one. */
const FOLDERS_MAX = 4096
const NAMES_MAX = 16 * 1024

export class ObjectScan implements ObjectReader {
  readonly found: Found[] = []
  count = 0
  readonly #detectors: Detectors
  readonly #clean: CleanObjects
  #isClean = false
  #head: ObjectHead | undefined
  #pieces: Buffer[] = []
  #length = 0
  #stream: FileStream | undefined

  constructor(detectors: Detectors, clean = new CleanObjects()) {
    this.#detectors = detectors
    this.#clean = clean
  }

  begin(head: ObjectHead): void {
    if (head.type !== 'blob' && head.size > META_MAX) throw new Doubt(`a ${head.type} is too large`)
    this.#head = head
    this.#isClean = head.type === 'blob' && this.#clean.has(head.oid)
    this.#stream = head.type === 'blob' && head.size > WHOLE_MAX ? new FileStream(this.#detectors) : undefined
  }

  piece(bytes: Buffer, last: boolean): void {
    const head = this.#head
    if (head === undefined) throw new Doubt('bytes without an object')
    if (this.#isClean) return
    if (last && this.#length === 0) return this.#look(head, bytes)
    this.#pieces.push(bytes)
    this.#length += bytes.length
    if (!last && !(this.#stream !== undefined && this.#length >= PIECE)) return
    const whole = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#length = 0
    this.#look(head, whole, last)
  }

  /** What is not an object, and goes to the upstream with them. */
  name(ref: string): void {
    const text = Buffer.from(ref)
    for (const hit of lookThrough(text, this.#detectors).hits)
      this.#add({ rule: hit.rule, oid: '', type: 'ref', path: ref, ...lineOf(text, [hit], hit, 1) })
  }

  #look(head: ObjectHead, bytes: Buffer, last = true): void {
    if (this.#stream !== undefined) {
      for (const found of this.#stream.push(bytes, last)) this.#report(head, found)
      return
    }
    const isTree = head.type === 'tree'
    const text = isTree ? namesOf(bytes) : bytes
    if (isTree && this.#clean.hasNames(head.path, text)) return
    const { hits } = lookThrough(text, this.#detectors)
    if (hits.length === 0 && isTree) this.#clean.addNames(head.path, text)
    if (hits.length === 0 && head.type === 'blob') this.#clean.add(head.oid)
    for (const hit of hits) this.#report(head, { rule: hit.rule, ...lineOf(text, hits, hit, 1) })
  }

  #report(head: ObjectHead, found: Pick<Found, 'rule' | 'line' | 'excerpt'>): void {
    const { oid, type, path } = head
    this.#add({ ...found, oid, type, path })
  }

  #add(found: Found): void {
    this.count += 1
    if (this.found.length < FOUND_MAX)
      this.found.push({ ...found, path: maskedName(found.path, this.#detectors) })
  }
}

/** A name as it may be told: what would be found in it is masked. */
export function maskedName(name: string, detectors: Detectors): SafeText {
  const shown = Buffer.from(name)
  for (const { start, end } of lookThrough(shown, detectors).hits)
    shown.fill('*', clamp(start, shown.length), clamp(end, shown.length))
  return safeText(shown.toString(), 200)
}

/** A file too large to be held: each piece is looked at with the end of the one before. */
class FileStream {
  readonly #detectors: Detectors
  readonly #search: KnownSearch
  #held = Buffer.alloc(0)
  #previous = Buffer.alloc(0)
  #line = 1

  constructor(detectors: Detectors) {
    this.#detectors = detectors
    this.#search = new KnownSearch(detectors.known)
  }

  push(piece: Buffer, last: boolean): readonly Pick<Found, 'rule' | 'line' | 'excerpt'>[] {
    const block = Buffer.concat([this.#held, piece])
    const streaming = { search: this.#search, seen: this.#held.length, previous: this.#previous, last }
    const look = lookThrough(block, this.#detectors, streaming)
    const passed = last ? block.length : Math.max(0, Math.min(look.settled, block.length - OVERLAP))
    // What begins in the bytes that are held back is looked at again with what follows.
    const hits = look.hits.filter(
      ({ rule, start }) => last || rule !== 'uninspectable/cut' || start < block.length - OVERLAP,
    )
    const found = hits.map((hit) => ({ rule: hit.rule, ...lineOf(block, hits, hit, this.#line) }))
    this.#line += linesBefore(block, passed)
    this.#held = Buffer.from(block.subarray(passed))
    this.#previous = Buffer.from(block.subarray(Math.max(0, passed - 2), passed))
    return found
  }
}

/** Names of a tree, one a line: modes and ids are not text of anybody. */
function namesOf(tree: Buffer): Buffer {
  const names = Buffer.allocUnsafeSlow(tree.length)
  let length = 0
  for (let at = 0; at < tree.length;) {
    const space = tree.indexOf(0x20, at)
    const end = tree.indexOf(0, space)
    if (space === -1 || end === -1 || end + 21 > tree.length) throw new Doubt('a tree cannot be read')
    length += tree.copy(names, length, space + 1, end)
    names[length++] = 10
    at = end + 21
  }
  return names.subarray(0, length)
}

/** Characters of a line that are shown around what was found. */
const AROUND = 40

function lineOf(
  text: Buffer,
  hits: readonly Hit[],
  hit: Hit,
  firstLine: number,
): { readonly line: number; readonly excerpt: SafeText } {
  const start = Math.max(0, hit.start)
  const from = Math.max(text.lastIndexOf(10, Math.max(0, start - 1)) + 1, start - AROUND, 0)
  const newline = text.indexOf(10, Math.max(start, hit.end))
  const to = Math.min(newline === -1 ? text.length : newline, hit.end + AROUND)
  const shown = Buffer.from(text.subarray(Math.min(from, start), to))
  for (const other of hits)
    shown.fill('*', clamp(other.start - from, shown.length), clamp(other.end - from, shown.length))
  const excerpt = safeText(shown.toString('utf8').replaceAll(/\*{8,}/g, '****'), 160)
  return { line: firstLine + linesBefore(text, start), excerpt }
}

const clamp = (at: number, length: number): number => Math.max(0, Math.min(at, length))

function linesBefore(text: Buffer, end: number): number {
  let lines = 0
  for (let at = text.indexOf(10); at !== -1 && at < end; at = text.indexOf(10, at + 1)) lines += 1
  return lines
}
