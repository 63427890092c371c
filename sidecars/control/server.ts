/**
 * A control socket: JSON lines in, JSON lines out, one answer (or a stream of them) per request. Connections, lines,
 * open requests and unread answers are bounded; whoever leaves the protocol is disconnected.
 */
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { CONTROL_LINE_MAX } from '../../src/model/control.ts'
import { DecodeError, decodeJson, whole } from './decode.ts'
import { lineReader } from './lines.ts'

/** Requests in flight on one connection. */
const OPEN_REQUESTS_MAX = 64
/** A line that was begun must end within this time, milliseconds. */
const LINE_DEADLINE_MS = 30_000
/** Bytes of answers a client may leave unread. */
const UNREAD_MAX = 2 * CONTROL_LINE_MAX

/** How one request is answered. After `end` or `refuse`, or when the client is gone, calls do nothing. */
export interface Reply {
  /** One answer of a stream. */
  next(value: unknown): void
  /** The last answer of a stream. */
  end(value: unknown): void
  /** The only answer. */
  answer(value: unknown): void
  refuse(code: string, message: string): void
  /** Called once when the client goes before the last answer. */
  onGone(callback: () => void): void
}

/** Gets the request without its `id`. What it throws is the answer: a `code` of its own or `internal`. */
export type Handler = (request: Readonly<Record<string, unknown>>, reply: Reply) => void | Promise<void>

export interface ControlServer {
  close(): void
}

/** Listens on `path`, mode 0600 in a folder of mode 0700. A socket left by an earlier process is replaced. */
export async function serveControl(path: string, handler: Handler): Promise<ControlServer> {
  makePrivateFolder(dirname(path))
  rmSync(path, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    converse(socket, handler)
  })
  server.maxConnections = 32
  await listening(server, path)
  chmodSync(path, 0o600)
  return {
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

export function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (statSync(folder).uid !== process.getuid?.()) throw new Error(`${folder} belongs to another user`)
  chmodSync(folder, 0o700)
}

function converse(socket: Socket, handler: Handler): void {
  const gone = new Map<number, () => void>()
  const open = new Set<number>()
  let deadline: NodeJS.Timeout | undefined
  /** The client asks nothing more and waits for its answers. */
  let ended = false
  const write = (answer: object): void => {
    if (socket.destroyed) return
    socket.write(`${JSON.stringify(answer)}\n`)
    if (socket.writableLength > UNREAD_MAX) socket.destroy()
  }
  const reader = lineReader(CONTROL_LINE_MAX, (line) => {
    const id = start(line)
    if (id === undefined) socket.destroy()
  })
  const start = (line: string): number | undefined => {
    let id: number
    let request: Record<string, unknown>
    try {
      const decoded = decodeJson(line)
      if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded)) return undefined
      const { id: given, ...rest } = decoded as Record<string, unknown>
      id = whole(given, 'id', 0, Number.MAX_SAFE_INTEGER)
      request = rest
    } catch {
      return undefined
    }
    if (open.has(id) || open.size >= OPEN_REQUESTS_MAX) return undefined
    open.add(id)
    const finish = (answer: object): void => {
      if (!open.delete(id)) return
      gone.delete(id)
      write(answer)
      if (ended && open.size === 0) socket.end()
    }
    const reply: Reply = {
      next(value) {
        if (open.has(id)) write({ id, ok: true, value })
      },
      end: (value) => finish({ id, ok: true, value, end: true }),
      answer: (value) => finish({ id, ok: true, value }),
      refuse: (code, message) => finish({ id, ok: false, code, message }),
      onGone(callback) {
        if (open.has(id)) gone.set(id, callback)
        else callback()
      },
    }
    Promise.resolve()
      .then(() => handler(request, reply))
      .catch((error: unknown) => reply.refuse(...refusalOf(error)))
    return id
  }
  socket.on('data', (chunk: Buffer) => {
    if (!reader.push(chunk)) return socket.destroy()
    clearTimeout(deadline)
    if (reader.partial) deadline = setTimeout(() => socket.destroy(), LINE_DEADLINE_MS)
  })
  socket.on('end', () => {
    ended = true
    if (open.size === 0) socket.end()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    clearTimeout(deadline)
    open.clear()
    for (const callback of gone.values()) callback()
    gone.clear()
  })
}

/** A refusal in words. Errors of ours carry a code; the message of any other could hold anything, so it stays here. */
function refusalOf(error: unknown): [code: string, message: string] {
  if (error instanceof ControlError || error instanceof DecodeError) return [error.code, error.message]
  return ['internal', `internal error (${error instanceof Error ? error.name : typeof error})`]
}

export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
