/**
 * The report channel: a connection to the uplink over which a whole stack can be asked at once. It answers `status`
 * and nothing else: the uplink has a network and must never be a way to configure or restart anything here.
 */
import { connect, type Socket } from 'node:net'
import type { DialRequest, SupervisorRequest, SupervisorStatus } from '../../src/model/control.ts'
import { DecodeError, decodeJson, fields, whole } from '../control/decode.ts'
import { lineReader } from '../control/lines.ts'
import { controls } from './controls.ts'
import { decodeSupervisorRequest } from './requests.ts'

const BACK_OFF_MS = { first: 100, most: 5000 }
/** A question has an id, an op and a nonce. */
const LINE_MAX = 4096
/** Questions answered at the same time. */
const OPEN_MAX = 8

export interface ReportChannel {
  /** Connects with this token from now on; the same token again changes nothing. */
  use(token: string): void
  stop(): void
}

/** `answer` is only ever called with what the control `report-status-only` lets through: a `status`. */
export function reportTo(
  socketPath: string,
  answer: (request: SupervisorRequest) => Promise<SupervisorStatus>,
): ReportChannel {
  let token: string | undefined
  let socket: Socket | undefined
  let timer: NodeJS.Timeout | undefined
  let attempt = 0

  function open(): void {
    timer = undefined
    if (token === undefined) return
    const opened = connect(socketPath)
    socket = opened
    let answering = 0
    let admitted = false
    const reader = lineReader(LINE_MAX, (line) => {
      if (!admitted) {
        admitted = isAdmitted(line)
        if (admitted) attempt = 0
        else opened.destroy()
        return
      }
      if (answering >= OPEN_MAX) return void opened.destroy()
      answering += 1
      respond(opened, line)
        .catch(() => opened.destroy())
        .finally(() => (answering -= 1))
    })
    const hello: DialRequest = { token, report: true }
    opened.write(`${JSON.stringify(hello)}\n`)
    opened.on('data', (chunk: Buffer) => {
      if (!reader.push(chunk)) opened.destroy()
    })
    opened.on('error', () => opened.destroy())
    opened.on('close', () => {
      if (socket !== opened) return
      socket = undefined
      timer = setTimeout(open, Math.min(BACK_OFF_MS.most, BACK_OFF_MS.first * 2 ** attempt))
      attempt = Math.min(attempt + 1, 10)
    })
  }

  async function respond(to: Socket, line: string): Promise<void> {
    const { id, ...request } = fields(
      decodeJson(line),
      'request',
      ['id', 'op'],
      ['nonce', 'daemon', 'config', 'follow', 'tail'],
    )
    const number = whole(id, 'id', 0, Number.MAX_SAFE_INTEGER)
    let said: object
    try {
      if (controls.on('report-status-only') && request['op'] !== 'status') {
        throw new DecodeError('only status is answered here', 'unknown-op')
      }
      said = { id: number, ok: true, value: await answer(decodeSupervisorRequest(request)) }
    } catch (error) {
      const [code, message] =
        error instanceof DecodeError ? [error.code, error.message] : ['internal', 'internal error']
      said = { id: number, ok: false, code, message }
    }
    if (!to.destroyed) to.write(`${JSON.stringify(said)}\n`)
  }

  return {
    use(next) {
      if (next === token) return
      token = next
      attempt = 0
      clearTimeout(timer)
      const old = socket
      socket = undefined
      old?.destroy()
      open()
    },
    stop() {
      token = undefined
      clearTimeout(timer)
      socket?.destroy()
    },
  }
}

function isAdmitted(line: string): boolean {
  try {
    return fields(decodeJson(line), 'answer', ['ok'], ['address', 'code', 'message'])['ok'] === true
  } catch {
    return false
  }
}
