/**
 * The git gate daemon: the library, its listener handed down by the supervisor, and nothing it was not told over IPC.
 * It opens no listener but sockets in its own folder, reads no environment variable, and ends with its supervisor.
 * Its one argument is that folder, for tests.
 */
import { Server } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { CONTROL_SOCKETS } from '../../src/model/control.ts'
import { notEnforced } from '../control/answer.ts'
import { dialThroughUplink } from '../http/dial.ts'
import { VERSION } from '../version.ts'
import { controls } from './controls.ts'
import { createGate } from './gate.ts'
import type { FromGate, GateValue, ToGate } from './ipc.ts'
import { GATE_LIMITS } from './limits.ts'
import type { Gate } from './gate.ts'
import { serveScans } from './scan-thread.ts'

controls.seal()

const UPLINK_FOLDER = '/uplink'
const RELAY = ['/bb/tools/guest', 'relay']
const [, , WORK = '/run/git-gate/w'] = process.argv

// One file is all there is in the image: the threads that look at pushes run it as well.
if (isMainThread) serveGate()
else serveScans()

function serveGate(): void {
  const gate = createGate({
    work: WORK,
    relay: RELAY,
    scanner: new URL(import.meta.url),
    dial: dialThroughUplink(`${UPLINK_FOLDER}/${CONTROL_SOCKETS.uplinkDial}`),
    log: (line) => say({ log: line }),
  })
  process.on('message', (message: ToGate, handle: unknown) => {
    if ('listen' in message) return listen(gate, handle)
    void answer(gate, message).then(say)
  })
  // Without a supervisor there is no door to keep: what is open ends with this process.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  say({ ready: true, version: VERSION })
}

async function answer(gate: Gate, message: Exclude<ToGate, { listen: unknown }>): Promise<FromGate> {
  const { id } = message
  try {
    return { id, ok: true, value: await valueOf(gate, message) }
  } catch (error) {
    return notEnforced(id, error)
  }
}

async function valueOf(gate: Gate, message: Exclude<ToGate, { listen: unknown }>): Promise<GateValue> {
  switch (message.op) {
    case 'configure':
      return gate.configure(message.config)
    case 'status':
      return gate.status(message.nonce)
    case 'verify':
      return gate.verify(message.remote, message.identity)
  }
}

function listen(gate: Gate, handle: unknown): void {
  if (!(handle instanceof Server)) return
  handle.maxConnections = GATE_LIMITS.connections * 2
  handle.on('connection', (socket) => {
    socket.allowHalfOpen = true
    gate.accept(socket)
  })
  handle.on('error', () => {})
}

function say(message: FromGate): void {
  if (process.connected) process.send?.(message)
}
