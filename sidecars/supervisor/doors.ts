/**
 * The doors of a daemon: bound here, because only the supervisor may bind below 1024, and handed over.
 *
 * Binding, sending and closing our copy happen without a turn of the event loop in between, so nothing is accepted
 * here; a connection that slips in when the channel is full is closed, never kept. Doors are handed one after the
 * other, each after the daemon has taken the one before: Node queues handles, and a queued one would stay open here.
 * UDP is bound without SO_REUSEADDR: with it a second socket would get the queries (topology-attack P6).
 */
import type { ChildProcess } from 'node:child_process'
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { createServer, type Server } from 'node:net'
import { DOORS, TRANSPARENT_ADDRESS } from '../../src/model/names.ts'
import type { ListenerName } from './ipc.ts'

export interface Door {
  readonly name: ListenerName | 'git'
  readonly transport: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
}

export const EGRESS_DOORS: readonly Door[] = [
  { name: 'dns-udp', transport: 'udp', address: TRANSPARENT_ADDRESS, port: 53 },
  { name: 'dns-tcp', transport: 'tcp', address: TRANSPARENT_ADDRESS, port: 53 },
  { name: 'transparent-http', transport: 'tcp', address: TRANSPARENT_ADDRESS, port: 80 },
  { name: 'transparent-tls', transport: 'tcp', address: TRANSPARENT_ADDRESS, port: 443 },
  { name: 'proxy', transport: 'tcp', address: '127.0.0.1', port: DOORS.egress },
]

export const GATE_DOORS: readonly Door[] = [
  { name: 'git', transport: 'tcp', address: '127.0.0.1', port: DOORS.git },
]

/** Connections the kernel keeps waiting on one door. */
const BACKLOG = 511

export function handOver(child: ChildProcess, door: Door): Promise<void> {
  return door.transport === 'tcp' ? handOverStream(child, door) : handOverDatagram(child, door)
}

function handOverStream(child: ChildProcess, door: Door): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen({ host: door.address, port: door.port, backlog: BACKLOG, exclusive: true }, () => {
      send(child, door, server, () => server.close()).then(resolve, reject)
    })
  })
}

function handOverDatagram(child: ChildProcess, door: Door): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: false })
    socket.once('error', reject)
    socket.bind({ address: door.address, port: door.port, exclusive: true }, () => {
      send(child, door, socket, () => socket.close()).then(resolve, reject)
    })
  })
}

function send(
  child: ChildProcess,
  door: Door,
  handle: Server | DatagramSocket,
  close: () => void,
): Promise<void> {
  const message = { listen: door.name }
  return new Promise((resolve, reject) => {
    child.send(message, handle, (error) => {
      close()
      if (error === null) resolve()
      else reject(error)
    })
  })
}
