/** Calls of the static helper in the agent container; its command line is sidecars/guest/README.md. */
import { DriverError } from '../../model/errors.ts'
import { safeText } from '../../model/text.ts'
import { AGENT } from '../../resources/guest/environment.ts'
import type { ProgramRequest } from '../../ports/program.ts'
import { PATHS } from './bodies.ts'
import type { Engine } from './calls.ts'
import { run } from './exec.ts'
import { helperFailed } from './trouble.ts'

export const AGENT_USER = `${AGENT.uid}:${AGENT.gid}`
/** Owner of the files of an image; under our create body it has no capability. */
export const ROOT_USER = '0:0'

/** Init answers at once; what listens there may be the agent's own. */
const INIT_MS = 10_000

export interface HelperOptions {
  /** Exit codes beside 0 that are no failure. */
  readonly fine?: readonly number[]
  readonly limitMs?: number
}

/** Runs it to its end; throws unless its exit code is 0 or one of `fine`. */
export async function helper(
  engine: Engine,
  containerId: string,
  args: readonly string[],
  user: string,
  input: string | Buffer = '',
  { fine = [], limitMs }: HelperOptions = {},
): Promise<{ readonly code: number; readonly stdout: string }> {
  const { code, stdout, stderr } = await run(
    engine,
    containerId,
    { argv: [PATHS.guest, ...args], user, env: {}, cwd: '/', ...(limitMs !== undefined && { limitMs }) },
    input,
  )
  if (code !== 0 && !fine.includes(code))
    throw helperFailed(`run the helper's ${args.slice(0, 2).join(' ')}`, stderr || `exit code ${code}`)
  return { code, stdout: stdout.toString('utf8') }
}

/** One request to init, which answers at once or after `moreMs`; its refusal is a `DriverError` with its code. */
export async function callInit(
  engine: Engine,
  containerId: string,
  request: object,
  moreMs = 0,
): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await helper(
    engine,
    containerId,
    ['call', '--run', PATHS.init],
    AGENT_USER,
    `${JSON.stringify(request)}\n`,
    { fine: [1], limitMs: INIT_MS + moreMs },
  )
  const answer = JSON.parse(stdout) as Readonly<Record<string, unknown>>
  if (answer['ok'] === true) return answer
  const code = String(answer['code'] ?? 'failed')
  throw new DriverError(`init refused: ${safeText(String(answer['message'] ?? 'no reason given'))}`, {
    code: `init-${/^[a-z-]{1,40}$/.test(code) ? code : 'failed'}`,
  })
}

/** A request to init; the program gets exactly this environment. */
export function startRequest({
  argv,
  env,
  cwd = AGENT.workspace,
  tty,
}: ProgramRequest): Readonly<Record<string, unknown>> {
  return {
    op: 'start',
    argv,
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    cwd,
    tty: tty !== undefined,
    ...(tty && { rows: tty.rows, cols: tty.columns }),
  }
}

/** Returns when what runs has ended. `again`: it is to be begun once more, so that init remembers it. */
export async function stopProgram(
  engine: Engine,
  containerId: string,
  graceSeconds: number,
  again = false,
): Promise<void> {
  const graceMs = graceSeconds * 1000
  await callInit(engine, containerId, { op: 'stop', grace_ms: graceMs, ...(again && { again }) }, graceMs)
}
