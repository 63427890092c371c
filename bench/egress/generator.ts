/** The load generator (`load/generate.go`), driven by orders: one at a time. */
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { start } from './process.ts'

export interface Order {
  /** `open` makes ready the connections that the next `requests` uses up. */
  readonly do: 'open' | 'requests' | 'tunnels' | 'first' | 'down' | 'up' | 'post' | 'sse'
  readonly concurrency?: number
  readonly ms?: number
  readonly hosts?: readonly string[]
  readonly bytes?: number
  /** A file; repeated or cut to `bytes`. */
  readonly body?: string
  readonly count?: number
  /** Between events, microseconds. */
  readonly gap?: number
}

/** Where a door is and how it is asked. */
export interface Way {
  readonly address: string
  readonly connect: boolean
  readonly host: string
  readonly port: number
}

/** Times in microseconds. */
export interface Answered {
  readonly count: number
  readonly elapsed: number
  readonly median: number
  readonly p99: number
  readonly error?: string
}

export interface Generator {
  readonly child: ChildProcess
  /** Throws what went wrong. */
  measure(way: Way, order: Order): Promise<Answered>
}

export function startGenerator(program: string, root: string): Generator {
  const child = start([program, 'generate', root], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (child.stdin === null || child.stdout === null) throw new Error('the generator has no streams')
  const { stdin } = child
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    async measure(way, order) {
      stdin.write(`${JSON.stringify({ ...way, ...order })}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the load generator has ended')
      const answered = JSON.parse(value) as Answered
      if (answered.error !== undefined) throw new Error(`${order.do}: ${answered.error}`)
      return answered
    },
  }
}
