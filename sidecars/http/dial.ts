/** The way out: a connection through the uplink's socket to a declared host and port, or the reason why not. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { DialAnswer, DialRefusal, DialRequest } from '../../src/model/control.ts'

export interface DialTarget {
  readonly host: string
  readonly port: number
  /** Secret: what the uplink knows this bundle by. */
  readonly token: string
}

export class DialFailed extends Error {
  override readonly name = 'DialFailed'
  readonly code: DialRefusal
  constructor(code: DialRefusal, message: string) {
    super(message)
    this.code = code
  }
}

/** The refusals there is a rule for; any other code of an uplink's is one of these. */
const CODES: readonly DialRefusal[] = [
  'unknown-token',
  'target-undeclared',
  'address-refused',
  'name-unresolvable',
  'connect-failed',
  'connect-timeout',
  'overload',
]
/** The longest answer line accepted. */
const ANSWER_MAX = 4096
const NEWLINE = 10

export function dialThroughUplink(socketPath: string): (target: DialTarget) => Promise<Socket> {
  return (target) =>
    new Promise((resolve, reject) => {
      const socket = connect({ path: socketPath, allowHalfOpen: true })
      let answer = Buffer.alloc(0)
      const fail = (error: Error): void => {
        socket.destroy()
        reject(error)
      }
      const gone = (): void => fail(new DialFailed('connect-failed', 'the uplink does not answer'))
      socket.once('error', gone)
      socket.once('close', gone)
      socket.once('end', gone)
      const request: DialRequest = target
      socket.write(`${JSON.stringify(request)}\n`)
      const onData = (piece: Buffer): void => {
        answer = Buffer.concat([answer, piece])
        const end = answer.indexOf(NEWLINE)
        if (end === -1) {
          if (answer.length > ANSWER_MAX)
            fail(new DialFailed('connect-failed', 'the uplink gave no answer line'))
          return
        }
        const parsed = parseAnswer(answer.toString('utf8', 0, end))
        if (parsed === undefined)
          return fail(new DialFailed('connect-failed', 'the uplink gave no answer line'))
        if (!parsed.ok) return fail(new DialFailed(parsed.code, parsed.message))
        socket.pause()
        socket.off('data', onData)
        socket.off('error', gone)
        socket.off('close', gone)
        socket.off('end', gone)
        if (answer.length > end + 1) socket.unshift(answer.subarray(end + 1))
        resolve(socket)
      }
      socket.on('data', onData)
    })
}

function parseAnswer(line: string): DialAnswer | undefined {
  try {
    const answer: unknown = JSON.parse(line)
    if (typeof answer !== 'object' || answer === null || !('ok' in answer)) return undefined
    if (answer.ok === true) return { ok: true, address: 'address' in answer ? String(answer.address) : '' }
    if (!('code' in answer) || typeof answer.code !== 'string') return undefined
    return {
      ok: false,
      code: CODES.find((code) => code === answer.code) ?? 'connect-failed',
      message: 'message' in answer ? String(answer.message) : '',
    }
  } catch {
    return undefined
  }
}
