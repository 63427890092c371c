/** A proxy that loses answers: what was asked reaches the forge, what it says does not come back as it was. */
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/**
 * `unsent`: the request does not arrive. `lost`: it arrives, nothing comes back. `cut`: half of the answer comes.
 * `bad-gateway`: an answer of the proxy's own comes instead. `late`: nothing comes and the connection stays.
 */
export const LOSSES = ['unsent', 'lost', 'cut', 'bad-gateway', 'late'] as const
export type Loss = (typeof LOSSES)[number]

/** Milliseconds for one request: short only where one waits in vain. */
export const patience = (loss: Loss): number => (loss === 'late' ? 1_000 : 30_000)

export interface Losing {
  readonly port: number
  /** The n-th connection from now on (0 the next) is lost in this way; every other one is passed on. */
  lose(loss: Loss, which: number): void
  /** Connections since the last `lose`. */
  readonly seen: number
  close(): Promise<void>
}

export async function openLosing(upstream: number): Promise<Losing> {
  const open = new Set<Socket>()
  let plan: { readonly loss: Loss; readonly which: number } | undefined
  let seen = 0
  const server = createServer((client) => {
    const loss = plan !== undefined && seen === plan.which ? plan.loss : undefined
    seen += 1
    open.add(client)
    client.on('error', () => {}).once('close', () => open.delete(client))
    if (loss === 'unsent') return void client.resetAndDestroy()
    const forge = connect(upstream, '127.0.0.1')
    open.add(forge)
    forge.on('error', () => {}).once('close', () => open.delete(forge))
    client.pipe(forge)
    if (loss === undefined) return void forge.pipe(client)
    const answer: Buffer[] = []
    forge.on('data', (bytes: Buffer) => answer.push(bytes))
    // The forge ends the connection behind its answer: every request asks for that.
    forge.once('end', () => {
      const whole = Buffer.concat(answer)
      if (loss === 'lost') client.resetAndDestroy()
      if (loss === 'cut') client.end(whole.subarray(0, whole.length / 2))
      if (loss === 'bad-gateway')
        client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>')
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get seen() {
      return seen
    },
    lose(loss, which) {
      plan = { loss, which }
      seen = 0
    },
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}
