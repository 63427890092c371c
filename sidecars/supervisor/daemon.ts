/**
 * The life of one daemon: started as its own user, judged, configured, given its doors; started again after a crash
 * with the configuration it had; never a reason to touch another daemon.
 *
 * Order within a life: ready, privileges read back, configuration, doors. So no secret and no door goes to a process
 * that has more rights than intended, and no client meets a daemon that has lost its policy in a crash.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type {
  DaemonName,
  DaemonStatus,
  EgressConfig,
  EgressCounters,
  EgressStatus,
} from '../../src/model/control.ts'
import { keptMarks } from '../../src/model/known.ts'
import type { Logger } from '../control/log.ts'
import { ControlError } from '../control/server.ts'
import { dialToken } from '../control/token.ts'
import { controls } from './controls.ts'
import { converse, type Conversation, type Question } from './conversation.ts'
import { handOver, type Door } from './doors.ts'
import type { DaemonAnswer, LogLine } from './ipc.ts'
import { judgePrivileges, parsePrivileges } from './privileges.ts'
import { SpentBytes } from './spent.ts'
import { printableStderr } from './stderr.ts'

export interface DaemonSpec {
  readonly name: DaemonName
  /** User and group it runs as; used by nothing else. */
  readonly uid: number
  /** A Node binary that its user may run and not read, so that the process is not dumpable. */
  readonly binary: string
  readonly program: string
  readonly doors: readonly Door[]
}

export interface Daemon {
  readonly spec: DaemonSpec
  start(): void
  /** Resolves once the daemon enforces it; a configuration that it refuses, or that is not newer, changes nothing. */
  configure(config: EgressConfig): Promise<{ readonly generation: number }>
  restart(): Promise<void>
  /** For ever: the daemon is stopped, its doors with it. */
  fail(reason: string): void
  status(nonce: string): Promise<DaemonStatus>
  /** Absent: it is not egress, or does not answer. */
  counters(): Promise<EgressCounters | undefined>
  stop(): Promise<void>
}

interface Life {
  readonly child: ChildProcess
  readonly conversation: Conversation
  readonly startedAt: string
  readonly gone: Promise<void>
  version: string
  running: boolean
  /** It has had a configuration, and with it what lives before it had spent. */
  configured: boolean
}

/** No debugger by signal, small young generation: a bundle is one of many on its machine. */
const NODE_FLAGS = ['--disable-sigusr1', '--max-semi-space-size=1', '--no-warnings']
const BACK_OFF_MS = { first: 100, most: 5000 }
/** A life of this length resets the back-off. */
const STABLE_MS = 10_000
const CONFIGURE_DEADLINE_MS = 10_000
const STATUS_DEADLINE_MS = 1500
/** Silent for so long over two questions or more, a daemon counts as failed: what it enforces cannot be changed by asking. */
const SILENT_MS = 5000
const TERM_GRACE_MS = 600

/** Who hears of what a daemon does. */
export interface DaemonEvents {
  readonly onLog: (line: LogLine) => void
  /** The uplink token of a configuration that is now enforced. */
  readonly onToken: (token: string) => void
}

export function superviseDaemon(spec: DaemonSpec, log: Logger, { onLog, onToken }: DaemonEvents): Daemon {
  const waiting = new Set<() => void>()
  const spent = new SpentBytes()
  let life: Life | undefined
  let config: EgressConfig | undefined
  let unconfiguredSince: string | undefined
  /** Of the first question that was not answered since one was. */
  let silentSince: number | undefined
  let restarts = 0
  let attempt = 0
  let reason: string | undefined
  /** Why no further life begins. */
  let over: string | undefined
  let timer: NodeJS.Timeout | undefined
  let turn: Promise<unknown> = Promise.resolve()

  function begin(): void {
    timer = undefined
    silentSince = undefined
    if (over !== undefined) return
    const child = spawn(spec.binary, [...NODE_FLAGS, spec.program], {
      uid: spec.uid,
      gid: spec.uid,
      cwd: '/',
      env: {},
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const conversation = converse(
      child,
      onLog,
      (said) => spent.keep(said),
      () => log.warn({ daemon: spec.name }, 'daemon said what nobody asked'),
    )
    const born = Date.now()
    let ended = false
    let output = ''
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (chunk: string) => (output = (output + chunk).slice(-65_536)))
    const gone = new Promise<void>((resolve) => {
      const end = (how: object): void => {
        if (ended) return
        ended = true
        conversation.end()
        resolve()
        if (life?.child === child) life = undefined
        const said = controls.on('stderr-reduction') ? printableStderr(output) : output.split('\n')
        log.info({ daemon: spec.name, pid: child.pid, ...how, stderr: said }, 'daemon ended')
        if (over === undefined) again(Date.now() - born)
        else announce()
      }
      child.once('exit', (code, signal) => setImmediate(end, { code, signal }))
      child.on('error', (error: NodeJS.ErrnoException) => {
        if (child.pid === undefined) {
          reason = `cannot be started: ${error.code ?? error.name}`
          end({ error: error.code })
        }
      })
    })
    life = {
      child,
      conversation,
      gone,
      startedAt: new Date(born).toISOString(),
      version: '',
      running: false,
      configured: false,
    }
    raise(life).catch((error: unknown) => {
      reason ??= error instanceof Error ? error.message : String(error)
      log.error({ daemon: spec.name, pid: child.pid, reason }, 'daemon not raised')
      child.kill('SIGKILL')
    })
  }

  function again(livedMs: number): void {
    restarts += 1
    attempt = livedMs >= STABLE_MS ? 0 : attempt + 1
    const delay = Math.min(BACK_OFF_MS.most, BACK_OFF_MS.first * 2 ** Math.max(0, attempt - 1))
    timer = setTimeout(begin, delay)
  }

  async function raise(raised: Life): Promise<void> {
    raised.version = await raised.conversation.ready
    const wrong = judge(raised.child.pid)
    if (wrong.length > 0) {
      over = `privileges are not as intended: ${wrong.join('; ')}`
      throw new ControlError('privileges', over)
    }
    if (config !== undefined) {
      try {
        await hand(raised, config)
        log.info({ daemon: spec.name, generation: config.generation }, 'configuration handed again')
      } catch (error) {
        if (life !== raised) throw error
        unconfiguredSince ??= new Date().toISOString()
        log.error({ daemon: spec.name, code: codeOf(error) }, 'configuration refused after a restart')
      }
    }
    for (const door of spec.doors) {
      await handOver(raised.child, door)
      // The answer comes after the door was taken: the channel keeps order.
      await raised.conversation.ask({ op: 'status', nonce: 'door' }, CONFIGURE_DEADLINE_MS)
    }
    raised.running = true
    reason = undefined
    log.info(
      { daemon: spec.name, pid: raised.child.pid, uid: spec.uid, version: raised.version },
      'daemon running',
    )
    announce()
  }

  function judge(pid: number | undefined): readonly string[] {
    if (!controls.on('privileges-read-back')) return []
    return judgePrivileges(parsePrivileges(readFileSync(`/proc/${pid}/status`, 'utf8')), spec.uid)
  }

  async function hand(to: Life, next: EgressConfig): Promise<{ readonly generation: number }> {
    const token = next.uplinkToken
    const config =
      token === undefined || !controls.on('derived-token') ? next : { ...next, uplinkToken: dialToken(token) }
    const question = { op: 'configure', config, ...(!to.configured && { spent: spent.all }) } as const
    const answer = await to.conversation.ask(question, CONFIGURE_DEADLINE_MS)
    to.configured = true
    unconfiguredSince = undefined
    return { generation: answer.generation }
  }

  function announce(): void {
    for (const callback of waiting) callback()
  }

  /** The running life, waited for: a restart in progress is no reason to refuse. */
  function running(): Promise<Life> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (life?.running === true) done(() => resolve(life as Life))
        else if (over !== undefined)
          done(() => reject(new ControlError('daemon-failed', `${spec.name}: ${over}`)))
      }
      const done = (settled: () => void): void => {
        clearTimeout(late)
        waiting.delete(settle)
        settled()
      }
      const late = setTimeout(() => {
        done(() =>
          reject(
            new ControlError('daemon-unavailable', `${spec.name} is not running: ${reason ?? 'it starts'}`),
          ),
        )
      }, CONFIGURE_DEADLINE_MS)
      waiting.add(settle)
      settle()
    })
  }

  /** One after the other, whatever became of the one before. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = turn.then(step)
    turn = result.catch(() => undefined)
    return result
  }

  async function kill(): Promise<void> {
    const ending = life
    if (ending === undefined) return
    ending.child.kill('SIGTERM')
    const grace = setTimeout(() => ending.child.kill('SIGKILL'), TERM_GRACE_MS)
    await ending.gone
    clearTimeout(grace)
  }

  return {
    spec,
    start: begin,
    configure: (next) =>
      inTurn(async () => {
        if (next.generation <= (config?.generation ?? 0))
          throw new ControlError(
            'generation-old',
            `generation ${next.generation} is not newer than the present one`,
          )
        const whole = completed(next, config)
        const answer = await hand(await running(), whole)
        config = whole
        if (whole.uplinkToken !== undefined) onToken(whole.uplinkToken)
        return answer
      }),
    restart: () =>
      inTurn(async () => {
        await kill()
        clearTimeout(timer)
        attempt = 0
        if (life === undefined) begin()
        await running()
      }),
    fail(why) {
      over ??= why
      clearTimeout(timer)
      life?.child.kill('SIGKILL')
      announce()
    },
    async stop() {
      over ??= 'the bundle stops'
      clearTimeout(timer)
      await kill()
    },
    async status(nonce) {
      const now = life
      const asked = Date.now()
      const egress = (await ask(now, { op: 'status', nonce })) as EgressStatus | undefined
      const isSilent = now?.running === true && egress === undefined
      if (life === now) silentSince = isSilent ? (silentSince ?? asked) : undefined
      const silentMs = silentSince === undefined ? 0 : Date.now() - silentSince
      const silence =
        silentMs < SILENT_MS
          ? 'it does not answer'
          : `it has not answered for ${Math.round(silentMs / 1000)} s`
      const why = over ?? reason ?? (isSilent ? silence : undefined)
      return {
        state:
          over !== undefined
            ? 'failed'
            : now?.running === true
              ? silentMs < SILENT_MS
                ? 'running'
                : 'failed'
              : reason === undefined
                ? 'starting'
                : 'failed',
        version: now?.version ?? '',
        uid: spec.uid,
        pid: now?.child.pid ?? 0,
        startedAt: now?.startedAt ?? '',
        restarts,
        ...(config === undefined ? {} : { generation: config.generation }),
        ...(unconfiguredSince === undefined ? {} : { unconfiguredSince }),
        ...(why === undefined ? {} : { reason: why }),
        ...(egress === undefined || spec.name !== 'egress' ? {} : { egress }),
      }
    },
    async counters() {
      const answer = await ask(spec.name === 'egress' ? life : undefined, { op: 'metrics' })
      return (answer as { readonly counters: EgressCounters } | undefined)?.counters
    },
  }

  async function ask(of: Life | undefined, question: Question): Promise<DaemonAnswer | undefined> {
    try {
      return of?.running !== true ? undefined : await of.conversation.ask(question, STATUS_DEADLINE_MS)
    } catch {
      return undefined
    }
  }
}

/** The host keeps neither issuer nor token, and has not every value at hand: what it leaves out is what the bundle has. */
function completed(next: EgressConfig, present: EgressConfig | undefined): EgressConfig {
  const { issuer = present?.issuer, uplinkToken = present?.uplinkToken } = next
  if (uplinkToken === undefined)
    throw new ControlError('token-missing', 'the first configuration of a bundle has no uplink token')
  return { ...next, uplinkToken, ...keptMarks(next, present), ...(issuer === undefined ? {} : { issuer }) }
}

function codeOf(error: unknown): string {
  return error instanceof ControlError ? error.code : 'internal'
}
