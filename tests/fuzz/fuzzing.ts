/** One target under fire in a thread of its own, so that an input that never ends can be taken from it. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { INPUT_MAX } from './mutate.ts'

/** Cases that once failed, by target; they are read again in every run. */
export const FOUND = join(import.meta.dirname, '../../fixtures/fuzz')
/** An input that takes longer than this many looks, one a second, does not end. */
const LOOKS = 30

export interface Task {
  readonly name: string
  readonly seed: string
  readonly seconds: number
  /** Number of the input at hand, its length, its bytes. */
  readonly shared: SharedArrayBuffer
}

export interface Report {
  readonly runs: number
  /** How many inputs ended in which way. */
  readonly ends: Readonly<Record<string, number>>
  readonly found?: { readonly bytes: Uint8Array; readonly why: string }
}

export async function fuzz(name: string, seed: string, seconds: number, looks = LOOKS): Promise<Report> {
  const shared = new SharedArrayBuffer(8 + INPUT_MAX)
  const task: Task = { name, seed, seconds, shared }
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: task })
  const report = await new Promise<Report>((resolve, reject) => {
    const header = new Int32Array(shared, 0, 2)
    let [last, still] = [0, 0]
    const looking = setInterval(() => {
      const [now = 0, length = 0] = header
      still = now === last ? still + 1 : 0
      last = now
      if (now === 0 || still < looks) return
      const bytes = new Uint8Array(shared, 8, length).slice()
      resolve({ runs: now, ends: {}, found: { bytes, why: 'it does not end' } })
    }, 1000)
    worker.once('message', resolve).once('error', reject)
    worker.once('exit', () => {
      clearInterval(looking)
      reject(new Error('the thread ended without a word'))
    })
  })
  await worker.terminate()
  return report
}

/** A file that is read again in every run. */
export function keep(name: string, bytes: Uint8Array): void {
  const file = join(FOUND, name, `${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.bin`)
  mkdirSync(join(FOUND, name), { recursive: true })
  writeFileSync(file, bytes)
  process.stderr.write(`kept ${file}: ${Buffer.from(bytes).toString('base64').slice(0, 4000)}\n`)
}
