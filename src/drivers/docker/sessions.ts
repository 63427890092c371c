/** Programs in a bottle: exec, the helper, the agent program under init, and what they printed. Needs no lease. */
import { Readable } from 'node:stream'
import { DriverError } from '../../model/errors.ts'
import { liveNames } from '../../model/names.ts'
import { AGENT, GUEST_FILES, programEnvironment } from '../../resources/guest/environment.ts'
import type { AttachRequest, Execution, ProgramRequest } from '../../ports/program.ts'
import type { Driver, LogSource } from '../../ports/driver.ts'
import { auditLog } from './audit-sources.ts'
import { PATHS } from './bodies.ts'
import type { InspectedContainer } from './decode.ts'
import { execute, run } from './exec.ts'
import { runningAgent, wake } from './guest-effect.ts'
import { AGENT_USER, callInit, startRequest, stopProgram } from './guest-helper.ts'
import { untar } from './images/untar.ts'
import { imagePath } from './image-defaults.ts'
import { containerLog, type LogOptions } from './logs.ts'
import { ours, type Site } from './place.ts'

export interface Sessions extends Pick<Driver, 'exec' | 'helper'>, Required<Pick<Driver, 'imageProgram'>> {
  /** Starts the agent program under init, which holds its terminal; it goes on when the caller goes. */
  startProgram(stack: string, bottle: string, request: ProgramRequest): Promise<void>
  stopProgram(stack: string, bottle: string, graceSeconds: number): Promise<void>
  /** What runs: init's answer to `status`. */
  programStatus(stack: string, bottle: string): Promise<Readonly<Record<string, unknown>>>
  /** The terminal of what runs; its exit code when it ends, 0 after the detach keys. */
  attachProgram(stack: string, bottle: string, request: AttachRequest): Promise<Execution>
}

type OpenSite = (stack: string) => Promise<Site>

export function createSessions(openSite: OpenSite): Sessions {
  const helper: Driver['helper'] = async (stack, bottle, args, user, tty) => {
    const site = await openSite(stack)
    const agent = await runningAgent(site, bottle)
    const env = tty ? { TERM: 'xterm-256color' } : {}
    const execution = await execute(site.engine, agent.id, {
      argv: [PATHS.guest, ...args],
      user: user ?? AGENT_USER,
      env,
      cwd: '/',
      tty: tty !== undefined,
    })
    if (tty) await execution.resize(tty.rows, tty.columns)
    return execution
  }
  return {
    helper,
    async exec(stack, bottle, request) {
      const site = await openSite(stack)
      const agent = await runningAgent(site, bottle)
      const execution = await execute(site.engine, agent.id, {
        argv: request.argv,
        user: request.user ?? AGENT_USER,
        env: { ...(await environmentOf(site, agent)), ...request.env },
        cwd: request.cwd ?? AGENT.workspace,
        tty: request.tty !== undefined,
      })
      if (request.tty) await execution.resize(request.tty.rows, request.tty.columns)
      return execution
    },
    async startProgram(stack, bottle, request) {
      const site = await openSite(stack)
      const agent = await runningAgent(site, bottle)
      // As `exec` has it: what the image sets, below what the bottle sets.
      const env = { ...imageVariables(agent), ...(await environmentOf(site, agent)), ...request.env }
      const start = startRequest({ ...request, env })
      try {
        await callInit(site.engine, agent.id, start)
      } catch (thrown) {
        // Restarted behind our back: probed again before it is ready again.
        if (!(thrown instanceof DriverError && thrown.code === 'init-not-ready')) throw thrown
        await wake(site, bottle, AbortSignal.timeout(60_000))
        await callInit(site.engine, agent.id, start)
      }
    },
    async stopProgram(stack, bottle, graceSeconds) {
      const site = await openSite(stack)
      const agent = await runningAgent(site, bottle)
      await stopProgram(site.engine, agent.id, graceSeconds)
    },
    async imageProgram(stack, bottle) {
      const site = await openSite(stack)
      const { imageId } = await runningAgent(site, bottle)
      const image = await site.engine.image(imageId)
      if (image === undefined)
        throw new DriverError(`the image of ${bottle} is not on the engine any more`, {
          code: 'image-missing',
          hint: 'bot-bottle apply',
        })
      const { entrypoint, command, workdir } = image
      return { entrypoint, command, ...(workdir !== '' && workdir !== '/' && { cwd: workdir }) }
    },
    async programStatus(stack, bottle) {
      const site = await openSite(stack)
      return callInit(site.engine, (await runningAgent(site, bottle)).id, { op: 'status' })
    },
    attachProgram: (stack, bottle, request) =>
      helper(stack, bottle, attachArguments(request), undefined, request.tty),
  }
}

/** Of the helper, which looks for the detach keys itself: the engine is told to look for none (`execBody`). */
export function attachArguments({ tty, replay, detachKeys, stdin = true }: AttachRequest): readonly string[] {
  return [
    'attach',
    '--run',
    PATHS.init,
    ...(tty ? ['--tty'] : []),
    ...(replay ? ['--replay'] : []),
    ...(stdin ? [] : ['--no-stdin']),
    ...(detachKeys === undefined ? [] : ['--detach-keys', detachKeys]),
  ]
}

/** Read from root's file in the container; before it is provisioned only the program's own variables exist. */
async function environmentOf(
  site: Site,
  agent: InspectedContainer,
): Promise<Readonly<Record<string, string>>> {
  const { code, stdout } = await run(site.engine, agent.id, {
    argv: [PATHS.guest, 'get', GUEST_FILES.environment],
    user: AGENT_USER,
    env: {},
    cwd: '/',
  })
  const list = agent.config['Env']
  if (code !== 0) return programEnvironment(imagePath(Array.isArray(list) ? list.map(String) : []))
  const [file] = await untar(Readable.from([stdout]), 16 * 1024 * 1024)
  const found: unknown = JSON.parse(file?.content.toString('utf8') ?? '{}')
  if (typeof found !== 'object' || found === null)
    throw new DriverError(`${GUEST_FILES.environment} is not an environment`, { code: 'guest-environment' })
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, String(value)]))
}

/** Of the container: an image's variables that make something run were taken away when it was made. */
function imageVariables(agent: InspectedContainer): Readonly<Record<string, string>> {
  const list = agent.config['Env']
  const lines = Array.isArray(list) ? list.map(String) : []
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [[name, value]]
    }),
  )
}

export async function bottleLogs(
  site: Site,
  bottle: string,
  of: LogSource,
  options: LogOptions,
): Promise<Readable> {
  if (of !== 'agent') return auditLog(site, bottle, of, options)
  const found = ours(site, 'container', await site.engine.container(liveNames.agent(site.stack, bottle)))
  if (found === undefined)
    throw new DriverError(`there is no agent container of ${bottle}`, {
      code: 'not-found',
      hint: 'bot-bottle apply',
    })
  return containerLog(site.engine, found.id, options)
}
