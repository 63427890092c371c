/**
 * Connections out. What is dialled is what was judged: literal addresses in the order given, the next one 250 ms
 * after the last, or at once when it failed (RFC 8305, 5); the first that connects wins, the others are closed.
 */
import { connect, type Socket } from 'node:net'

/** The one place that opens a connection. */
export type Connect = (address: string, port: number) => Socket

/** `host` is a literal address, so nothing is looked up. */
export const connectTo: Connect = (address, port) =>
  connect({ host: address, port, allowHalfOpen: true, autoSelectFamily: false })

const STAGGER_MS = 250
const DEADLINE_MS = 10_000

export type Connected =
  | { readonly socket: Socket; readonly address: string }
  | { readonly failed: 'connect-failed' | 'connect-timeout'; readonly why: string }

/** `signal` ends the attempt when nobody waits for it any more. */
export function connectFirst(
  open: Connect,
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Connected> {
  return new Promise((resolve) => {
    const trying = new Set<Socket>()
    let next = 0
    let why = 'no address'
    let stagger: NodeJS.Timeout | undefined
    let over = false
    const finish = (outcome: Connected): void => {
      if (over) return
      over = true
      clearTimeout(stagger)
      clearTimeout(deadline)
      signal.removeEventListener('abort', aborted)
      for (const socket of trying) if (!('socket' in outcome) || socket !== outcome.socket) socket.destroy()
      resolve(outcome)
    }
    const aborted = (): void => finish({ failed: 'connect-failed', why: 'nobody waits any more' })
    const deadline = setTimeout(
      () => finish({ failed: 'connect-timeout', why: `no answer in ${DEADLINE_MS / 1000} s` }),
      DEADLINE_MS,
    )
    const attempt = (): void => {
      clearTimeout(stagger)
      const address = addresses[next]
      if (over || address === undefined) {
        if (trying.size === 0) finish({ failed: 'connect-failed', why })
        return
      }
      next += 1
      const socket = open(address, port)
      trying.add(socket)
      socket.once('connect', () => {
        socket.removeAllListeners('error')
        // Until the relay takes over, an error must not be nobody's.
        socket.on('error', () => undefined)
        finish({ socket, address })
      })
      socket.once('error', (error: NodeJS.ErrnoException) => {
        trying.delete(socket)
        why = error.code ?? 'failed'
        if (!over) attempt()
      })
      stagger = setTimeout(attempt, STAGGER_MS)
    }
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
    else attempt()
  })
}
