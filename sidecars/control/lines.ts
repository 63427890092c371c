/**
 * Lines of bounded length from a byte stream. A line that is too long, or bytes that are not UTF-8, end the
 * conversation: the sender has left the protocol.
 */
import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'

export interface LineReader {
  /** Takes the next bytes; calls back once per whole line. False: the sender has left the protocol. */
  push(chunk: Buffer): boolean
  /** True while a line has begun and not ended. */
  readonly partial: boolean
}

/** `limit` counts the bytes of one line without its end. */
export function lineReader(limit: number, onLine: (line: string) => void): LineReader {
  let pending: Buffer[] = []
  let length = 0
  return {
    get partial() {
      return length > 0
    },
    push(chunk) {
      let rest = chunk
      for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
        const bytes = Buffer.concat([...pending, rest.subarray(0, end)])
        pending = []
        length = 0
        rest = rest.subarray(end + 1)
        if (bytes.length > limit || !isUtf8(bytes)) return false
        onLine(bytes.toString('utf8'))
      }
      if (rest.length > 0) pending.push(rest)
      length += rest.length
      return length <= limit
    },
  }
}

/** The first line of a connection; what came after it stays in the socket, unread. Undefined: none in time, or none of this length. */
export function firstLine(socket: Socket, limit: number, deadlineMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0)
    const settle = (line: string | undefined): void => {
      clearTimeout(timer)
      socket.off('data', take).off('end', none).off('close', none).off('error', none)
      socket.pause()
      resolve(line)
    }
    const none = (): void => settle(undefined)
    const take = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk])
      const end = held.indexOf(10)
      if (end > limit || (end === -1 && held.length > limit)) return none()
      if (end === -1) return
      const [line, rest] = [held.subarray(0, end), held.subarray(end + 1)]
      settle(isUtf8(line) ? line.toString('utf8') : undefined)
      if (rest.length > 0) socket.unshift(rest)
    }
    const timer = setTimeout(none, deadlineMs)
    socket.on('data', take).on('end', none).on('close', none).on('error', none)
    socket.resume()
  })
}
