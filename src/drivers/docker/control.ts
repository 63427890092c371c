/** One question to a daemon's control socket, by exec of the static helper's `relay`: one JSON line there, one back. */
import { DriverError } from '../../model/errors.ts'
import { safeText } from '../../model/text.ts'
import { PATHS } from './bodies.ts'
import type { Engine } from './calls.ts'
import { run } from './exec.ts'

export interface ControlTarget {
  /** For messages: `bundle of implementer`, `uplink`. */
  readonly what: string
  readonly containerId: string
  /** Owner of the socket, numeric. */
  readonly user: string
  readonly socket: string
}

/** Longest wait for an answer where nothing else is said, milliseconds. */
const ANSWER_MS = 15_000
/** Exit code of the helper when the socket is not there. */
const NOT_THERE = 4

/** Resolves with `value` of the answer. The request may hold secrets: it goes over stdin, and no error repeats it. */
export async function ask(
  engine: Engine,
  target: ControlTarget,
  request: object,
  signal: AbortSignal,
  answerMs = ANSWER_MS,
): Promise<unknown> {
  const limit = AbortSignal.timeout(answerMs)
  const line = `${JSON.stringify({ id: 1, ...request })}\n`
  const { code, stdout, stderr } = await run(
    engine,
    target.containerId,
    { argv: [PATHS.sidecarGuest, 'relay', target.socket], user: target.user, env: {}, cwd: '/' },
    line,
    AbortSignal.any([signal, limit]),
  )
  signal.throwIfAborted()
  if (code === NOT_THERE) {
    throw new DriverError(`${target.what} does not answer: its control socket is not there`, {
      code: 'control-absent',
      transient: true,
    })
  }
  const answered = stdout.toString('utf8').split('\n', 1)[0] ?? ''
  if (answered === '') {
    const why = limit.aborted ? `no answer in ${answerMs / 1000} s` : stderr || `exit code ${code}`
    throw new DriverError(`${target.what} does not answer: ${safeText(why)}`, {
      code: 'control-silent',
      transient: true,
    })
  }
  return valueOf(target, answered)
}

function valueOf(target: ControlTarget, line: string): unknown {
  const answer = parse(target, line)
  if (answer['ok'] === true) return answer['value']
  const code = typeof answer['code'] === 'string' ? answer['code'] : 'control-refused'
  const message = typeof answer['message'] === 'string' ? answer['message'] : 'no reason given'
  throw new DriverError(`${target.what} refused: ${safeText(message)}`, {
    code: /^[a-z][a-z-]{0,40}$/.test(code) ? code : 'control-refused',
  })
}

function parse(target: ControlTarget, line: string): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(line)
    if (typeof answer === 'object' && answer !== null) return answer as Readonly<Record<string, unknown>>
  } catch {
    // Falls through: the line itself is not repeated, it may hold what was asked.
  }
  throw new DriverError(`${target.what} answered something that is no answer`, { code: 'control-answer' })
}
