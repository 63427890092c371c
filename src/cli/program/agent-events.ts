/** One task of an agent as events on stdout: what it says, what is refused to it meanwhile, and how it ended. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import type { Json } from '../../model/json.ts'
import type { AgentEvent } from '../../model/event.ts'
import type { AuditedDaemon } from '../../ports/driver.ts'
import { eventLine } from '../../render/events.ts'
import type { Output, OutStream } from '../../render/output.ts'
import { accessOf, jsonLine } from '../egress/audit.ts'
import type { DeclaredBottle } from '../stack/bottle.ts'
import { HEAD } from '../terminal/report.ts'

type Said = Pick<Extract<AgentEvent, { type: 'agent-said' }>, 'text' | 'message'>

/** Pure. */
export function saidIn(line: string): Said {
  const message = jsonLine(line)
  return message ? { message: message as Readonly<Record<string, Json>> } : { text: line }
}

type Refusal = Omit<Extract<AgentEvent, { type: 'agent-refused' }>, 'type' | 'bottle' | 'by'>

/** Of one line of an audit; absent for what is no refusal. */
export function refusalIn(line: string): Refusal | undefined {
  const row = jsonLine(line)
  const access = row && accessOf(row)
  if (access?.decision !== 'refused') return undefined
  const { time, rule, host, method, path } = access
  return {
    at: time,
    ...(rule !== undefined && { rule }),
    ...(host !== undefined && { host }),
    ...(method !== undefined && { method }),
    ...(path !== undefined && { path }),
  }
}

export interface AgentEvents {
  readonly stdout: OutStream
  readonly stderr: OutStream
  /** Says what was refused to the end of the task, and that it is over. */
  ended(code: number): Promise<void>
}

/** Says that it has started; what its doors refused before is not of this task. */
export function agentEvents(bottle: DeclaredBottle, output: Output, now: () => number): AgentEvents {
  const begun = now()
  const at = (): string => new Date(now()).toISOString()
  const say = (event: AgentEvent): void => output.event(HEAD, eventLine(event))
  const { name } = bottle
  say({ type: 'agent-started', bottle: name, at: at() })
  const open: Promise<unknown>[] = []
  const linesOf = (stream: 'stdout' | 'stderr'): OutStream => {
    const through = new PassThrough()
    const lines = createInterface({ input: through, crlfDelay: Infinity })
    lines.on('line', (line) => say({ type: 'agent-said', bottle: name, stream, ...saidIn(line), at: at() }))
    open.push(once(lines, 'close'))
    return through
  }
  const [stdout, stderr] = [linesOf('stdout'), linesOf('stderr')]
  const audits = daemonsOf(bottle).map((by) => following(bottle, by, begun, say))
  // One that cannot be followed is said when the task is over, and does not end it.
  for (const audit of audits) audit.catch(() => {})
  return {
    stdout,
    stderr,
    async ended(code) {
      stdout.end()
      stderr.end()
      await Promise.all(open)
      for (const audit of audits) await (await audit).rest()
      say({ type: 'agent-ended', bottle: name, code, duration: now() - begun, at: at() })
    },
  }
}

function daemonsOf({ name, resources = [] }: DeclaredBottle): readonly AuditedDaemon[] {
  const hasGate = resources.some(({ kind, bottle }) => kind === 'remote' && bottle === name)
  return hasGate ? ['egress', 'git-gate'] : ['egress']
}

interface Following {
  /** Ends the following, and says what it had not come to yet: an audit has no line twice and keeps its order. */
  rest(): Promise<void>
}

async function following(
  { driver, stack, name }: DeclaredBottle,
  by: AuditedDaemon,
  begun: number,
  say: (event: AgentEvent) => void,
): Promise<Following> {
  const since = new Date(begun).toISOString()
  let said = 0
  const tell = (refusal: Refusal): void => {
    said += 1
    say({ type: 'agent-refused', bottle: name, by, ...refusal })
  }
  const stream = await driver.logs(stack, name, by, { follow: true, since })
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  lines.on('line', (line) => {
    const refusal = refusalIn(line)
    if (refusal) tell(refusal)
  })
  // An audit that breaks off is read again at the end.
  stream.on('error', () => lines.close())
  return {
    async rest() {
      lines.close()
      stream.destroy()
      const whole = await driver.logs(stack, name, by, { follow: false, since })
      const refused: Refusal[] = []
      for await (const line of createInterface({ input: whole, crlfDelay: Infinity })) {
        const refusal = refusalIn(line)
        if (refusal) refused.push(refusal)
      }
      refused.slice(said).forEach(tell)
    },
  }
}
