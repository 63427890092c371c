/** What is asked of new objects beside their content: sizes of files, author and committer of commits. */
import type { GateRemote } from '../../src/model/gate.ts'
import { controls } from './controls.ts'
import type { ObjectHead, ObjectReader } from './objects.ts'

export interface LargeFile {
  readonly path: string
  readonly size: number
}

/** Of each, as many are told at most. */
const TOLD_MAX = 100

export class ObjectChecks implements ObjectReader {
  readonly large: LargeFile[] = []
  /** Commits whose author or committer is somebody else. */
  readonly strangers: string[] = []
  readonly #next: ObjectReader | undefined
  readonly #maxFile: number
  readonly #identity: GateRemote['requireIdentity']
  #commit: { readonly oid: string; readonly pieces: Buffer[] } | undefined

  /** `next` reads the same objects. */
  constructor(maxFile: number, identity: GateRemote['requireIdentity'], next: ObjectReader | undefined) {
    this.#maxFile = maxFile
    this.#identity = identity
    this.#next = next
  }

  begin(head: ObjectHead): void {
    const { type, size, path, oid } = head
    if (type === 'blob' && size > this.#maxFile && controls.on('sizes') && this.large.length < TOLD_MAX)
      this.large.push({ path, size })
    const isChecked = type === 'commit' && this.#identity !== undefined && controls.on('require-identity')
    this.#commit = isChecked ? { oid, pieces: [] } : undefined
    this.#next?.begin(head)
  }

  piece(bytes: Buffer, last: boolean): void {
    this.#commit?.pieces.push(bytes)
    if (last && this.#commit !== undefined) this.#judge(this.#commit.oid, Buffer.concat(this.#commit.pieces))
    this.#next?.piece(bytes, last)
  }

  #judge(oid: string, commit: Buffer): void {
    const end = commit.indexOf('\n\n')
    const head = commit.toString('utf8', 0, end === -1 ? commit.length : end).split('\n')
    const wanted = `${this.#identity?.name} <${this.#identity?.email}>`
    const isOurs = (field: string): boolean => {
      const said = head.filter((line) => line.startsWith(`${field} `))
      return said.length === 1 && said[0]?.replace(/ -?[0-9]+ [+-][0-9]{4}$/, '') === `${field} ${wanted}`
    }
    if ((!isOurs('author') || !isOurs('committer')) && this.strangers.length < TOLD_MAX)
      this.strangers.push(oid)
  }
}
