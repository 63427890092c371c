/** Declared passthrough: after the ClientHello was checked, bytes go both ways uninspected, counted, with back-pressure. */
import type { Door } from '../door.ts'
import { WireClosed } from '../../http/wire.ts'
import type { Wire } from '../../http/wire.ts'

/** Resolves when both directions have ended; `ended` gets the bytes out and in. */
export async function relayBothWays(
  door: Door,
  client: Wire,
  upstream: Wire,
  ended: (bytesOut: number, bytesIn: number) => void,
): Promise<void> {
  client.onDeadline = undefined
  const progress = (): void => {
    client.deadline = upstream.deadline = Date.now() + door.limits.silenceMs
  }
  progress()
  const counts = await Promise.all([pump(client, upstream, progress), pump(upstream, client, progress)])
  client.destroyWhenFlushed()
  upstream.destroyWhenFlushed()
  ended(counts[0], counts[1])
}

async function pump(from: Wire, to: Wire, progress: () => void): Promise<number> {
  let bytes = 0
  try {
    for (;;) {
      const piece = await from.read()
      if (piece === null) break
      bytes += piece.length
      await to.write(piece)
      progress()
    }
    to.end()
  } catch (error) {
    if (!(error instanceof WireClosed)) throw error
    from.destroy()
    to.destroy()
  }
  return bytes
}
