/** What the engine kept of a container's output. */
import { PassThrough, type Readable } from 'node:stream'
import type { Engine } from './calls.ts'
import { demultiplex } from './exec.ts'

export interface LogOptions {
  readonly follow: boolean
  readonly tail?: number
  /** ISO 8601. */
  readonly since?: string
}

/** Both streams, in the order the engine wrote them. */
export async function containerLog(engine: Engine, id: string, options: LogOptions): Promise<Readable> {
  const { since, ...rest } = options
  // The engine's API knows seconds since 1970 only.
  const seconds = since === undefined ? {} : { since: (Date.parse(since) / 1000).toFixed(3) }
  const raw = await engine.logs(id, { ...rest, ...seconds })
  const both = new PassThrough()
  const [out, err] = [new PassThrough(), new PassThrough()]
  let open = 2
  for (const stream of [out, err]) {
    stream.pipe(both, { end: false })
    stream.once('end', () => --open === 0 && both.end())
  }
  void demultiplex(raw, out, err)
  both.once('close', () => raw.destroy())
  return both
}

/** The last lines, for an error message; never throws. */
export async function collectLog(engine: Engine, id: string): Promise<string> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of await containerLog(engine, id, { follow: false, tail: 20 }))
      chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString('utf8')
  } catch {
    return ''
  }
}
