/**
 * The dial socket: one line asks, one line answers, then bytes. Whoever shows no token in time, asks for what is not
 * declared or has its share already is told so and closed. The socket is open to every uid of the bundles; the folder
 * is read-only for them and belongs to the uplink.
 */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import type { DialAnswer, DialRefusal } from '../../src/model/control.ts'
import type { UplinkPolicy } from '../../src/model/policy.ts'
import { DecodeError } from '../control/decode.ts'
import { firstLine } from '../control/lines.ts'
import type { Logger } from '../control/log.ts'
import { listening, type ControlServer } from '../control/server.ts'
import { controls } from './controls.ts'
import { isHostName, targetFor } from './names.ts'
import { relay } from './relay.ts'
import { keepReport } from './reports.ts'
import { decodeDialRequest } from './requests.ts'
import type { BottleEntry, Passage, Table } from './table.ts'
import { openWay, type Surroundings } from './way.ts'

const FIRST_LINE_MAX = 4096
const FIRST_LINE_DEADLINE_MS = 5000
/** Connections that have not said their line. Full: the oldest goes; an honest client speaks at once. */
const SILENT_MAX = 256
/** Ways of one bottle that are being opened. */
const OPENING_MAX = 64

export async function serveDials(
  path: string,
  table: Table,
  policy: () => UplinkPolicy,
  around: Surroundings,
  log: Logger,
): Promise<ControlServer> {
  rmSync(path, { force: true })
  const sockets = new Set<Socket>()
  const silent = new Set<Socket>()
  const opening = new Map<string, number>()

  async function admit(socket: Socket): Promise<void> {
    silent.add(socket)
    if (silent.size > SILENT_MAX) silent.values().next().value?.destroy()
    const line = await firstLine(socket, FIRST_LINE_MAX, FIRST_LINE_DEADLINE_MS)
    silent.delete(socket)
    if (line === undefined || socket.destroyed) return void socket.destroy()
    const request = decodeDialRequest(line)
    const entry = table.owner(request.token, 'report' in request ? 'report' : 'dial')
    if (entry === undefined) return refuse(socket, 'unknown-token', 'this token is not known here', undefined)
    if ('report' in request) {
      answer(socket, { ok: true, address: 'report' })
      return keepReport(entry, socket)
    }
    await passOn(socket, entry, request.host, request.port)
  }

  async function passOn(socket: Socket, entry: BottleEntry, host: string, port: number): Promise<void> {
    const isDeclarable = isHostName(host)
    const found = isDeclarable ? targetFor(entry.targets, host, port) : undefined
    const target = found ?? (controls.on('target-check') ? undefined : { host, port, allowPrivate: true })
    const named = isDeclarable ? `${host}:${port}` : 'this host'
    if (target === undefined)
      return refuse(socket, 'target-undeclared', `${named} is not declared for this bottle`, entry)
    const abort = new AbortController()
    const openedUnder = policy()
    const pair: Socket[] = [socket]
    const passage: Passage = {
      host,
      port,
      state: { policy: openedUnder, allowPrivate: target.allowPrivate },
      close() {
        abort.abort()
        for (const side of pair) side.destroy()
      },
    }
    const waiting = opening.get(entry.name) ?? 0
    if (waiting >= OPENING_MAX || !table.admit(entry, passage)) {
      return refuse(socket, 'overload', 'this bottle has as many connections as it may have', entry)
    }
    socket.on('close', () => abort.abort())
    const born = Date.now()
    try {
      opening.set(entry.name, waiting + 1)
      const way = await openWay(host, target, openedUnder, around, abort.signal).finally(() => {
        opening.set(entry.name, (opening.get(entry.name) ?? 1) - 1)
      })
      if (!('socket' in way)) return refuse(socket, way.code, way.message, entry, host, port)
      pair.push(way.socket)
      if (socket.destroyed || way.socket.destroyed || abort.signal.aborted) return passage.close()
      passage.state = way.reached
      answer(socket, { ok: true, address: way.address })
      await relay(socket, way.socket)
      const bytes = { bytesOut: way.socket.bytesWritten, bytesIn: way.socket.bytesRead }
      log.info(
        { bottle: entry.name, host, port, address: way.address, ...bytes, ms: Date.now() - born },
        'relayed',
      )
    } finally {
      table.leave(entry, passage)
    }
  }

  function refuse(
    socket: Socket,
    code: DialRefusal,
    message: string,
    entry: BottleEntry | undefined,
    host?: string,
    port?: number,
  ): void {
    log.info({ bottle: entry?.name, code, host, port, message }, 'refused')
    answer(socket, { ok: false, code, message })
    socket.end()
    socket.resume()
    const lingering = setTimeout(() => socket.destroy(), FIRST_LINE_DEADLINE_MS)
    socket.on('close', () => clearTimeout(lingering))
  }

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      silent.delete(socket)
    })
    admit(socket).catch((error: unknown) => {
      // A line that is no request gets no answer: there is nobody who speaks the protocol.
      if (!(error instanceof DecodeError))
        log.error({ error: error instanceof Error ? error.name : 'unknown' }, 'dial failed')
      socket.destroy()
    })
  })
  await listening(server, path)
  chmodSync(path, 0o666)
  return {
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function answer(socket: Socket, line: DialAnswer): void {
  socket.write(`${JSON.stringify(line)}\n`)
}
