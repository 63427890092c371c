/**
 * The thread that looks at what is pushed, as its own program sees it: one job after the other, each answered. Git that
 * reads the objects is started here, so that nothing of them passes through the thread that serves.
 */
import { parentPort } from 'node:worker_threads'
import type { KnownPrints } from '../../src/model/gate.ts'
import type { SafeText } from '../../src/model/text.ts'
import { lookThrough } from '../detect/look.ts'
import type { Detectors } from '../detect/look.ts'
import { scannerWith } from '../detect/shapes/further.ts'
import { createShapeScanner } from '../detect/shapes/scanner.ts'
import { controls } from './controls.ts'
import { knownSecrets } from './known.ts'
import { lookAtObjects } from './look.ts'
import type { Job, Looked } from './look.ts'
import { CleanObjects, maskedName } from './scan.ts'

export type ToScanThread =
  | { readonly job: Job }
  | { readonly names: readonly string[]; readonly known: KnownPrints | undefined }
  /** The job at hand is not wanted any more. */
  | 'end'

export type FromScanThread =
  | { readonly looked: Looked }
  | { readonly masked: readonly SafeText[] }
  /** Why nobody can say. */
  | { readonly failed: string }

const NOTHING: KnownPrints = { key: '00'.repeat(32), prints: [] }

/** Answers whoever started this thread. */
export function serveScans(): void {
  const port = parentPort
  if (port === null) throw new Error('this is no thread of a gate')
  const kept = new Kept()
  let ending = new AbortController()
  const answered = async (asked: Exclude<ToScanThread, 'end'>): Promise<FromScanThread> => {
    if ('names' in asked) {
      const { detectors } = kept.for(asked.known)
      return { masked: asked.names.map((name) => maskedName(name, detectors)) }
    }
    controls.restore()
    for (const name of asked.job.switchedOff) controls.off(name)
    const { detectors, clean } = kept.for(asked.job.known)
    ending = new AbortController()
    return { looked: await lookAtObjects(asked.job, detectors, clean, ending.signal) }
  }
  const failed = (error: unknown): FromScanThread => ({
    failed: error instanceof Error ? error.message : 'the scan failed',
  })
  port.on('message', (asked: ToScanThread) => {
    if (asked === 'end') return ending.abort()
    void answered(asked)
      .catch(failed)
      .then((said) => port.postMessage(said))
  })
  kept.for(undefined)
}

/** What outlives a job: what is dear to make, and which objects need not be looked at twice by the same detectors. */
class Kept {
  readonly #shapes = createShapeScanner()
  #of: string | undefined
  #detectors: Detectors | undefined
  #clean = new CleanObjects()

  for(known: KnownPrints = NOTHING): { readonly detectors: Detectors; readonly clean: CleanObjects } {
    const of = JSON.stringify(known)
    if (this.#detectors === undefined || this.#of !== of) {
      this.#detectors = {
        known: knownSecrets(known),
        shapes: known.detectors ? scannerWith(known.detectors) : this.#shapes,
      }
      this.#clean = new CleanObjects()
      this.#of = of
      // What is made at the first look is made now.
      lookThrough(Buffer.from('first'), this.#detectors)
    }
    return { detectors: this.#detectors, clean: this.#clean }
  }
}
