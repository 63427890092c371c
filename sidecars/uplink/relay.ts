/**
 * Bytes both ways, with back-pressure and half-close. Nothing is looked at, nothing is kept; sockets are never passed
 * (topology-attack U6).
 */
import type { Socket } from 'node:net'

/** Without a byte in either direction for this long a relay ends. Streams of agents are quiet for minutes, not hours. */
const IDLE_MS = 60 * 60 * 1000
const KEEP_ALIVE_MS = 60_000

/** Resolves when both sides are closed. */
export function relay(client: Socket, upstream: Socket): Promise<void> {
  upstream.setNoDelay(true)
  upstream.setKeepAlive(true, KEEP_ALIVE_MS)
  return new Promise((resolve) => {
    let open = 2
    const both = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const [side, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      side.on('error', both)
      side.on('close', () => {
        // A side that went without its end has lost bytes: the other must not look complete for longer than needed.
        if (!side.readableEnded || !side.writableFinished) other.destroy()
        open -= 1
        if (open === 0) resolve()
      })
      side.setTimeout(IDLE_MS, both)
      side.pipe(other)
    }
  })
}
