/**
 * The life of one daemon: started as its own user, judged, configured, given its doors; started again after a crash
 * with the configuration it had; never a reason to touch another daemon.
 *
 * Order within a life: ready, privileges read back, configuration, doors. So no secret and no door goes to a process
 * that has more rights than intended, and no client meets a daemon that has lost its policy in a crash.
 */
import type { DaemonName, DaemonStatus, EgressCounters } from '../../src/model/control.ts'
import { VERIFY_MS, type GateVerdict } from '../../src/model/gate.ts'
import type { Logger } from '../control/log.ts'
import { ControlError } from '../control/server.ts'
import { completed, forDaemon, idleGate, needsDaemon, type DaemonConfig } from './configuration.ts'
import type { Question } from './conversation.ts'
import { handOver, type Door } from './doors.ts'
import type { DaemonAnswer, LogLine } from './ipc.ts'
import { beginLife, endLife, misprivileged, type Life } from './life.ts'
import { SpentBytes } from './spent.ts'

export interface DaemonSpec {
  readonly name: DaemonName
  /** User and group it runs as; used by nothing else. */
  readonly uid: number
  /** A Node binary that its user may run and not read, so that the process is not dumpable. */
  readonly binary: string
  readonly program: string
  /** The heap of the program with its modules run, which the image has of egress. */
  readonly snapshot?: string
  readonly doors: readonly Door[]
  /** The static helper, for a daemon that runs other programs: what they leave behind would be waited for by nobody. */
  readonly adopter?: string
  /** It runs only while its configuration gives it something to do. */
  readonly onDemand: boolean
}

export interface Daemon {
  readonly spec: DaemonSpec
  start(): void
  /** Resolves once the daemon enforces it; a configuration that it refuses, or that is not newer, changes nothing. */
  configure(config: DaemonConfig): Promise<{ readonly generation: number }>
  restart(): Promise<void>
  /** For ever: the daemon is stopped, its doors with it. */
  fail(reason: string): void
  status(nonce: string): Promise<DaemonStatus>
  /** Absent: it is not egress, or does not answer. */
  counters(): Promise<EgressCounters | undefined>
  /** Of the git gate: whether the upstream of a remote takes the key in force, or another. */
  verify(remote: string, identity?: string): Promise<GateVerdict>
  stop(): Promise<void>
}

const BACK_OFF_MS = { first: 100, most: 5000 }
/** A life of this length resets the back-off. */
const STABLE_MS = 10_000
const CONFIGURE_DEADLINE_MS = 10_000
const STATUS_DEADLINE_MS = 1500
/** Silent for so long over two questions or more, a daemon counts as failed: what it enforces cannot be changed by asking. */
const SILENT_MS = 5000

/** Who hears of what a daemon does, and what it has in common with the others. */
export interface DaemonSetting {
  /** Of the program, which a daemon that does not run cannot say. */
  readonly version: string
  /** The bundle's uplink token, as far as there ever was one. */
  readonly token: () => string | undefined
  readonly onLog: (line: LogLine) => void
  /** The uplink token of a configuration that is now enforced. */
  readonly onToken: (token: string) => void
}

export function superviseDaemon(
  spec: DaemonSpec,
  log: Logger,
  { version, token, onLog, onToken }: DaemonSetting,
): Daemon {
  const waiting = new Set<() => void>()
  const spent = new SpentBytes()
  let life: Life | undefined
  let config: DaemonConfig | undefined
  let needed = !spec.onDemand
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
    const began = beginLife(spec, {
      onLog,
      onSpent: (said) => spent.keep(said),
      onNonsense: () => log.warn({ daemon: spec.name }, 'daemon said what nobody asked'),
      onEnd(how) {
        if (life === began) life = undefined
        if (how.error !== undefined) reason = `cannot be started: ${how.error}`
        log.info({ daemon: spec.name, pid: began.child.pid, ...how }, 'daemon ended')
        if (over === undefined && needed) again(Date.now() - began.bornAt)
        else announce()
      },
    })
    life = began
    raise(began).catch((error: unknown) => {
      reason ??= error instanceof Error ? error.message : String(error)
      log.error({ daemon: spec.name, pid: began.child.pid, reason }, 'daemon not raised')
      void endLife(began)
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
    const wrong = misprivileged(raised, spec)
    if (wrong.length > 0) {
      over = `privileges are not as intended: ${wrong.join('; ')}`
      throw new ControlError('privileges', over)
    }
    if (config !== undefined && needsDaemon(config)) {
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

  async function hand(to: Life, next: DaemonConfig): Promise<{ readonly generation: number }> {
    const first = !to.configured && spec.name === 'egress'
    const question = { op: 'configure', config: forDaemon(next), ...(first && { spent: spent.all }) } as const
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

  function wake(): void {
    if (life === undefined && timer === undefined) begin()
  }

  async function enforce(whole: DaemonConfig): Promise<void> {
    const before = needed
    needed = true
    wake()
    try {
      await hand(await running(), whole)
    } catch (error) {
      if (!before) await rest(config)
      throw error
    }
  }

  /** Nothing is left for it to do: what is open ends with it. */
  async function rest(last: DaemonConfig | undefined): Promise<void> {
    needed = false
    if (last && life?.running === true) await hand(life, last).catch(() => undefined)
    clearTimeout(timer)
    timer = undefined
    if (life) await endLife(life)
    attempt = 0
    reason = undefined
    unconfiguredSince = undefined
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
        const whole = completed(next, config, token())
        if (!spec.onDemand || needsDaemon(whole)) await enforce(whole)
        else await rest(whole)
        config = whole
        if (whole.uplinkToken !== undefined) onToken(whole.uplinkToken)
        return { generation: whole.generation }
      }),
    restart: () =>
      inTurn(async () => {
        if (life) await endLife(life)
        if (!needed) return
        clearTimeout(timer)
        timer = undefined
        attempt = 0
        wake()
        await running()
      }),
    // Not in turn: a server that is slow to answer keeps no configuration waiting.
    async verify(remote, identity) {
      const { conversation } = await running()
      const question = { op: 'verify', remote, ...(identity !== undefined && { identity }) } as const
      const answer = await conversation.ask(question, VERIFY_MS.whole)
      return 'trouble' in answer ? answer : { generation: answer.generation }
    },
    fail(why) {
      over ??= why
      clearTimeout(timer)
      life?.child.kill('SIGKILL')
      announce()
    },
    async stop() {
      over ??= 'the bundle stops'
      clearTimeout(timer)
      if (life) await endLife(life)
    },
    async status(nonce) {
      const now = life
      const asked = Date.now()
      const answer = await ask(now, { op: 'status', nonce })
      const isSilent = now?.running === true && answer === undefined
      if (life === now) silentSince = isSilent ? (silentSince ?? asked) : undefined
      const silentMs = silentSince === undefined ? 0 : Date.now() - silentSince
      const silence =
        silentMs < SILENT_MS
          ? 'it does not answer'
          : `it has not answered for ${Math.round(silentMs / 1000)} s`
      const why = over ?? reason ?? (isSilent ? silence : undefined)
      const state =
        over !== undefined || silentMs >= SILENT_MS
          ? 'failed'
          : now?.running === true
            ? 'running'
            : reason !== undefined
              ? 'failed'
              : needed
                ? 'starting'
                : 'idle'
      return {
        state,
        version: state === 'idle' ? version : (now?.version ?? ''),
        uid: spec.uid,
        pid: now?.child.pid ?? 0,
        startedAt: now ? new Date(now.bornAt).toISOString() : '',
        restarts,
        ...(config === undefined ? {} : { generation: config.generation }),
        ...(unconfiguredSince === undefined ? {} : { unconfiguredSince }),
        ...(why === undefined ? {} : { reason: why }),
        ...(spec.name === 'egress' && answer && 'routes' in answer && { egress: answer }),
        ...(spec.name === 'git-gate' && answer && 'remotes' in answer && { gate: answer }),
        ...(state === 'idle' && { gate: idleGate(config?.generation ?? 0) }),
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

function codeOf(error: unknown): string {
  return error instanceof ControlError ? error.code : 'internal'
}
