/**
 * The report channels: what a whole stack enforces, in one question. Each bundle answers for itself under the same
 * nonce; one that does not answer in time, or answers too much, is unknown, never missing.
 */
import type { Socket } from 'node:net'
import { CONTROL_LINE_MAX, type SupervisorStatus } from '../../src/model/control.ts'
import { decodeJson, fields, text } from '../control/decode.ts'
import { lineReader } from '../control/lines.ts'
import type { BottleEntry } from './table.ts'

const DEADLINE_MS = 2000
/** One bundle's answer, bytes. */
const ANSWER_MAX = 512 * 1024
/** All answers together leave room for policies and record in the line that carries them. */
const ANSWERS_MAX = CONTROL_LINE_MAX / 2

type Answer = SupervisorStatus | { readonly unknown: string }
type Settle = (answer: Answer, bytes: number) => void

/** Questions by channel and id. */
const open = new WeakMap<Socket, Map<number, Settle>>()
let lastId = 0

/** The newest channel of a bottle is the one that is asked. */
export function keepReport(entry: BottleEntry, socket: Socket): void {
  const questions = new Map<number, Settle>()
  open.set(socket, questions)
  const old = entry.report
  entry.report = socket
  old?.destroy()
  const reader = lineReader(ANSWER_MAX, (line) => {
    if (!settle(questions, line)) socket.destroy()
  })
  socket.on('data', (chunk: Buffer) => {
    if (!reader.push(chunk)) socket.destroy()
  })
  socket.on('end', () => socket.destroy())
  socket.on('close', () => {
    if (entry.report === socket) entry.report = undefined
    for (const question of questions.values()) question({ unknown: 'its report channel closed' }, 0)
    questions.clear()
  })
  socket.resume()
}

/** False: not the answer to anything that was asked. */
function settle(questions: Map<number, Settle>, line: string): boolean {
  try {
    const found = fields(decodeJson(line), 'answer', ['id', 'ok'], ['value', 'code', 'message'])
    const question = questions.get(Number(found['id']))
    if (question === undefined) return true
    questions.delete(Number(found['id']))
    if (found['ok'] === true) {
      const status = fields(found['value'], 'value', ['version', 'startedAt', 'links', 'daemons'])
      question(status as unknown as SupervisorStatus, line.length)
    } else question({ unknown: `it refused: ${text(found['code'], 'code', 100)}` }, 0)
    return true
  } catch {
    return false
  }
}

/** All at the same time; the answers in the order of the bottles. */
export async function askReports(entries: readonly BottleEntry[], nonce: string): Promise<readonly Answer[]> {
  const answers = await Promise.all(entries.map((entry) => ask(entry.report, nonce)))
  let room = ANSWERS_MAX
  return answers.map(({ answer, bytes }) => {
    room -= bytes
    return room < 0 ? { unknown: 'the answers of the stack are too long for one line' } : answer
  })
}

function ask(
  channel: Socket | undefined,
  nonce: string,
): Promise<{ readonly answer: Answer; readonly bytes: number }> {
  const questions = channel === undefined ? undefined : open.get(channel)
  if (channel === undefined || questions === undefined) {
    return Promise.resolve({ answer: { unknown: 'its supervisor has no report channel open' }, bytes: 0 })
  }
  return new Promise((resolve) => {
    lastId += 1
    const id = lastId
    const timer = setTimeout(() => {
      questions.delete(id)
      resolve({ answer: { unknown: `no answer in ${DEADLINE_MS / 1000} s` }, bytes: 0 })
    }, DEADLINE_MS)
    questions.set(id, (answer, bytes) => {
      clearTimeout(timer)
      resolve({ answer, bytes })
    })
    channel.write(`${JSON.stringify({ id, op: 'status', nonce })}\n`)
  })
}
