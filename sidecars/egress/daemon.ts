/** The egress daemon as a process: the library, its listeners handed down by the supervisor, and nothing it was not told over IPC. */
import { Socket as DatagramSocket } from 'node:dgram'
import { Server } from 'node:net'
import type { Socket } from 'node:net'
import { notEnforced } from '../control/answer.ts'
import type { DaemonAnswer, FromDaemon, ToDaemon } from '../supervisor/ipc.ts'
import { VERSION } from '../version.ts'
import { dialThroughUplink } from '../http/dial.ts'
import { createEgress } from './egress.ts'
import type { Egress } from './egress.ts'
import { LIMITS } from '../http/limits.ts'

/** Connections of one DNS client by TCP, and how long each may take, milliseconds. */
const DNS_TCP = { connections: 32, ms: 5000 }

/** Speaks with the supervisor from now on; `uplinkSocket` is the only way out. */
export function startDaemon(uplinkSocket: string): void {
  const egress = createEgress({
    dial: dialThroughUplink(uplinkSocket),
    log: (line) => say({ log: line }),
    spend: (spent) => say({ spent }),
  })
  process.on('message', (message: ToDaemon, handle: unknown) => {
    if ('listen' in message) return listen(egress, message.listen, handle)
    say(answer(egress, message))
  })
  // Without a supervisor there is no door to keep: what is open ends with this process.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  say({ ready: true, version: VERSION })
}

function answer(egress: Egress, message: Exclude<ToDaemon, { listen: unknown }>): FromDaemon {
  const { id } = message
  try {
    return { id, ok: true, value: valueOf(egress, message) }
  } catch (error) {
    return notEnforced(id, error)
  }
}

function valueOf(egress: Egress, message: Exclude<ToDaemon, { listen: unknown }>): DaemonAnswer {
  switch (message.op) {
    case 'configure':
      return egress.configure(message.config, message.spent)
    case 'status':
      return egress.status(message.nonce)
    case 'metrics':
      return egress.metrics()
  }
}

function listen(door: Egress, name: Extract<ToDaemon, { listen: unknown }>['listen'], handle: unknown): void {
  if (name === 'dns-udp') {
    if (!(handle instanceof DatagramSocket)) return
    handle.on('message', (query, from) => {
      const said = door.resolve(query)
      if (said) handle.send(said, from.port, from.address, () => {})
    })
    handle.on('error', () => {})
    return
  }
  if (!(handle instanceof Server)) return
  handle.maxConnections = name === 'dns-tcp' ? DNS_TCP.connections : LIMITS.connections * 2
  const kind = { proxy: 'proxy', 'transparent-http': 'http', 'transparent-tls': 'tls' } as const
  handle.on('connection', (socket) =>
    name === 'dns-tcp' ? resolveStream(door, socket) : door.accept(kind[name], socket),
  )
  handle.on('error', () => {})
}

/** Queries by TCP, each after its length (RFC 1035, 4.2.2). */
function resolveStream(door: Egress, socket: Socket): void {
  let bytes: Buffer = Buffer.alloc(0)
  socket.setTimeout(DNS_TCP.ms, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (piece) => {
    bytes = Buffer.concat([bytes, piece])
    while (bytes.length >= 2) {
      const length = bytes.readUInt16BE(0)
      if (bytes.length < 2 + length) break
      const said = door.resolve(bytes.subarray(2, 2 + length))
      bytes = bytes.subarray(2 + length)
      if (said === undefined) return socket.destroy()
      const size = Buffer.alloc(2)
      size.writeUInt16BE(said.length)
      // A client that asks and does not read is no client.
      if (!socket.write(Buffer.concat([size, said]))) return socket.destroy()
    }
  })
}

function say(message: FromDaemon): void {
  if (process.connected) process.send?.(message)
}
