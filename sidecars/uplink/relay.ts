/**
 * Bytes both ways, with back-pressure and half-close. Nothing is looked at, nothing is kept; sockets are never passed
 * (topology-attack U6).
 */
import type { Socket } from 'node:net'

/** Without a byte in either direction for this long, and up to a quarter longer, a relay ends. Streams of agents are quiet for minutes, not hours. */
const IDLE_MS = 60 * 60 * 1000
const LOOKS = 4
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
    const watch = endWhenIdle(() => client.bytesRead + upstream.bytesRead, both)
    for (const [side, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      side.on('error', both)
      side.on('close', () => {
        // A side that went without its end has lost bytes: the other must not look complete for longer than needed.
        if (!side.readableEnded || !side.writableFinished) other.destroy()
        open -= 1
        if (open > 0) return
        clearInterval(watch)
        resolve()
      })
      side.on('data', (piece) => {
        if (!other.write(piece)) side.pause()
      })
      other.on('drain', () => side.resume())
      side.on('end', () => other.end())
      side.resume()
    }
  })
}

/** One timer for a relay; a time-out of each socket would be set anew with every piece. */
function endWhenIdle(moved: () => number, end: () => void): NodeJS.Timeout {
  let before = moved()
  let quiet = 0
  return setInterval(() => {
    const now = moved()
    quiet = now === before ? quiet + 1 : 0
    before = now
    if (quiet === LOOKS) end()
  }, IDLE_MS / LOOKS).unref()
}
