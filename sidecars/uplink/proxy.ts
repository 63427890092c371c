/**
 * The site proxy (manifest `uplink.proxy`): asked by CONNECT with the declared name, so resolving and judging are its
 * work. The operator names it, so its own address is not judged.
 */
import type { Socket } from 'node:net'

export interface SiteProxy {
  readonly host: string
  readonly port: number
}

/** Longest head of its answer, bytes. */
const HEAD_MAX = 8192
const DEADLINE_MS = 10_000

/** `http://host[:port]`, host a name or an address (IPv6 in brackets). */
export function parseProxy(text: string): SiteProxy | undefined {
  const [, host, port = '80'] =
    /^http:\/\/([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::([1-9]\d{0,4}))?\/?$/.exec(text) ?? []
  if (host === undefined || Number(port) > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** Undefined: the tunnel stands and the socket is at its first byte. Else why not. */
export function openTunnel(socket: Socket, host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0)
    const settle = (why: string | undefined): void => {
      clearTimeout(timer)
      socket.off('data', take).off('close', closed)
      socket.pause()
      resolve(why)
    }
    const closed = (): void => settle('the site proxy closed the connection')
    const take = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk])
      const end = held.indexOf('\r\n\r\n')
      if (end === -1) return held.length > HEAD_MAX ? settle('the site proxy answered no HTTP') : undefined
      const status = /^HTTP\/1\.[01] (\d{3})(?: |\r)/.exec(held.toString('latin1', 0, end + 2))?.[1]
      const rest = held.subarray(end + 4)
      settle(status === '200' ? undefined : `the site proxy answered ${status ?? 'no HTTP'}`)
      if (rest.length > 0) socket.unshift(rest)
    }
    const timer = setTimeout(() => settle('the site proxy did not answer'), DEADLINE_MS)
    socket.on('data', take).on('close', closed)
    socket.resume()
    socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)
  })
}
