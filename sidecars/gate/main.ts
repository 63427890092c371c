/**
 * The git gate daemon: the library, its listener handed down by the supervisor, and nothing it was not told over IPC.
 * It opens no listener but sockets in its own folder, reads no environment variable, and ends with its supervisor.
 * Its one argument is that folder, for tests.
 */
import { Server } from 'node:net'
import { CONTROL_SOCKETS } from '../../src/model/control.ts'
import { notEnforced } from '../control/answer.ts'
import { dialThroughUplink } from '../egress/dial.ts'
import { VERSION } from '../version.ts'
import { controls } from './controls.ts'
import { createGate } from './gate.ts'
import type { FromGate, GateValue, ToGate } from './ipc.ts'
import { GATE_LIMITS } from './limits.ts'

controls.seal()

const UPLINK_FOLDER = '/uplink'
const RELAY = ['/bb/tools/guest', 'relay']
const [, , WORK = '/run/git-gate/w'] = process.argv

const gate = createGate({
  work: WORK,
  relay: RELAY,
  dial: dialThroughUplink(`${UPLINK_FOLDER}/${CONTROL_SOCKETS.uplinkDial}`),
  log: (line) => say({ log: line }),
})

process.on('message', (message: ToGate, handle: unknown) => {
  if ('listen' in message) return listen(handle)
  void answer(message).then(say)
})
// Without a supervisor there is no door to keep: what is open ends with this process.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
say({ ready: true, version: VERSION })

async function answer(message: Exclude<ToGate, { listen: unknown }>): Promise<FromGate> {
  const { id } = message
  try {
    return { id, ok: true, value: await valueOf(message) }
  } catch (error) {
    return notEnforced(id, error)
  }
}

async function valueOf(message: Exclude<ToGate, { listen: unknown }>): Promise<GateValue> {
  switch (message.op) {
    case 'configure':
      return gate.configure(message.config)
    case 'status':
      return gate.status(message.nonce)
    case 'verify':
      return gate.verify(message.remote, message.identity)
  }
}

function listen(handle: unknown): void {
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
