/**
 * Threads that look at pushes: one for each push that is looked at, so that none keeps a fetch or another remote
 * waiting. A thread that fails, dies, takes too long or too much memory is `Doubt`: its push is refused, and the next
 * one has another thread. One that has nothing to do is kept for a while, for to start one takes longer than a small push.
 */
import { Worker } from 'node:worker_threads'
import PQueue from 'p-queue'
import type { KnownPrints } from '../../src/model/gate.ts'
import type { SafeText } from '../../src/model/text.ts'
import type { Job, Looked } from './look.ts'
import { Doubt } from './objects.ts'
import type { FromScanThread, ToScanThread } from './scan-thread.ts'

export interface ScanLimits {
  /** One push. */
  readonly ms: number
  /** A thread without a push. */
  readonly keptMs: number
  /** Memory of one thread, MiB; files are held beside it. */
  readonly heap: number
  /** From being asked to end to being ended. */
  readonly graceMs: number
  /** Threads that work; what else comes waits for one. Beside them at most one is kept warm. */
  readonly atOnce: number
}

/** All threads together stay below what a bundle has for programs (docs/decisions/0010). */
export const SCAN_LIMITS: ScanLimits = {
  ms: 10 * 60_000,
  keptMs: 60_000,
  heap: 256,
  graceMs: 3000,
  atOnce: 3,
}

export class Scanners {
  readonly #program: URL
  readonly #limits: ScanLimits
  readonly #turns: PQueue
  readonly #threads = new Set<ScanThread>()
  #idle: ScanThread | undefined
  #timer: NodeJS.Timeout | undefined

  /** `program`: what a thread runs; it calls `serveScans`. */
  constructor(program: URL, limits: ScanLimits) {
    this.#program = program
    this.#limits = limits
    this.#turns = new PQueue({ concurrency: limits.atOnce })
  }

  /** A push is coming: a thread is started if none is there. */
  warm(): void {
    if (this.#idle === undefined) this.#keep(this.#take())
  }

  /** Throws Doubt. Aborted, the thread ends with what it has started. */
  async look(job: Job, signal: AbortSignal): Promise<Looked> {
    const said = await this.#ask({ job }, signal)
    if (!('looked' in said)) throw new Doubt('the scanner gave no answer to this push')
    return said.looked
  }

  /** Names as they may be told. Throws Doubt. */
  async masked(names: readonly string[], known: KnownPrints | undefined): Promise<readonly SafeText[]> {
    const said = await this.#ask({ names, known })
    if (!('masked' in said)) throw new Doubt('the scanner gave no answer to these names')
    return said.masked
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#idle = undefined
    for (const thread of this.#threads) thread.end(0)
  }

  /** Aborted before its turn, it is no more waited for. */
  async #ask(asked: Exclude<ToScanThread, 'end'>, signal?: AbortSignal): Promise<FromScanThread> {
    const gone = (): Doubt => new Doubt('the client has gone')
    const left = Promise.withResolvers<never>()
    let begun = false
    const leave = (): void => {
      if (!begun) left.reject(gone())
    }
    signal?.addEventListener('abort', leave, { once: true })
    const turn = this.#turns.add(async () => {
      begun = true
      if (signal?.aborted === true) throw gone()
      return this.#asked(asked, signal)
    })
    if (signal?.aborted === true) leave()
    try {
      return await Promise.race([turn, left.promise])
    } finally {
      signal?.removeEventListener('abort', leave)
      turn.catch(() => {})
    }
  }

  async #asked(asked: Exclude<ToScanThread, 'end'>, signal?: AbortSignal): Promise<FromScanThread> {
    const thread = this.#take()
    const { ms, graceMs } = this.#limits
    const late = setTimeout(() => thread.fail(`the scan took longer than ${ms / 1000} s`, graceMs), ms)
    const aborted = (): void => thread.fail('the client has gone', graceMs)
    signal?.addEventListener('abort', aborted, { once: true })
    if (signal?.aborted === true) aborted()
    try {
      const said = await thread.ask(asked)
      if ('failed' in said) throw new Doubt(said.failed)
      return said
    } finally {
      clearTimeout(late)
      signal?.removeEventListener('abort', aborted)
      this.#keep(thread)
    }
  }

  #take(): ScanThread {
    clearTimeout(this.#timer)
    const idle = this.#idle
    this.#idle = undefined
    if (idle !== undefined && !idle.over) return idle
    const thread = new ScanThread(this.#program, this.#limits.heap, () => this.#threads.delete(thread))
    this.#threads.add(thread)
    return thread
  }

  #keep(thread: ScanThread): void {
    if (thread.over) return
    if (this.#idle !== undefined && this.#idle !== thread) return thread.end(0)
    this.#idle = thread
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (this.#idle === thread) this.#idle = undefined
      thread.end(0)
    }, this.#limits.keptMs).unref()
  }
}

interface Waiting {
  readonly resolve: (said: FromScanThread) => void
  readonly reject: (why: Doubt) => void
}

class ScanThread {
  readonly #worker: Worker
  #waiting: Waiting | undefined
  #over: string | undefined

  constructor(program: URL, heap: number, gone: () => void) {
    this.#worker = new Worker(program, {
      resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: 16 },
    })
    this.#worker.unref()
    this.#worker.on('message', (said: FromScanThread) => {
      const waiting = this.#waiting
      this.#waiting = undefined
      waiting?.resolve(said)
      // Asked to end, it has ended what it had started.
      if (this.#over !== undefined) void this.#worker.terminate()
    })
    this.#worker.on('error', (error) => this.#die(`the scanner failed: ${error.message}`))
    this.#worker.on('exit', () => {
      this.#die('the scanner ended')
      gone()
    })
  }

  get over(): boolean {
    return this.#over !== undefined
  }

  ask(asked: Exclude<ToScanThread, 'end'>): Promise<FromScanThread> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) return reject(new Doubt(this.#over))
      this.#waiting = { resolve, reject }
      this.#worker.postMessage(asked, [])
    })
  }

  /** Whoever waits is told why; the thread may end what it has started, then it is ended. */
  fail(why: string, graceMs: number): void {
    this.#die(why)
    this.end(graceMs)
  }

  end(graceMs: number): void {
    this.#over ??= 'the scanner was ended'
    if (graceMs === 0) return void this.#worker.terminate()
    this.#worker.postMessage('end' satisfies ToScanThread, [])
    setTimeout(() => void this.#worker.terminate(), graceMs).unref()
  }

  #die(why: string): void {
    this.#over ??= why
    this.#waiting?.reject(new Doubt(why))
    this.#waiting = undefined
  }
}
