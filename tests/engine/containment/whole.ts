/** A whole stack as a user makes one: the program, a manifest, a state folder of its own. Removed again with all it left. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { liveNames } from '../../../src/model/names.ts'
import { python } from '../docker/attack.ts'
import { docker, leftovers } from '../docker/stack.ts'

const PROGRAM = join(import.meta.dirname, '../../../bin/bot-bottle')

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly ms: number
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

export interface Whole {
  readonly stack: string
  readonly folder: string
  readonly home: string
  write(name: string, text: string): string
  /** The program, in the folder of the manifest. Never longer than two minutes. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>
  /** `apply --yes`, which has to succeed. */
  apply(): Promise<void>
  /** As the agent, with everything that the product sets for its programs. */
  exec(bottle: string, ...argv: readonly string[]): Promise<Ran>
  /** A Python program of `attack.ts` in the agent container, past the product; its one JSON value. */
  inside<T = Record<string, unknown>>(bottle: string, body: string, user?: string): Promise<T>
  names(bottle: string): {
    readonly holder: string
    readonly agent: string
    readonly bundle: string
    readonly uplink: string
  }
  down(): Promise<void>
}

/** `manifest` is everything below the name of the stack; `env` is the operator's environment, the secrets in it. */
export function openWhole(manifest: string, env: Readonly<Record<string, string>> = {}): Whole {
  const stack = `ct-${randomBytes(4).toString('hex')}`
  const folder = mkdtempSync(join(tmpdir(), 'bb-containment-'))
  const home = join(folder, 'state')
  mkdirSync(home, { mode: 0o700 })
  const whole: Whole = {
    stack,
    folder,
    home,
    write(name, text) {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    },
    run: (argv, options = {}) =>
      ran([PROGRAM, ...argv], {
        cwd: folder,
        env: { ...process.env, NO_COLOR: '1', ...env, BOT_BOTTLE_HOME: home, ...options.env },
        stdin: options.stdin ?? '',
      }),
    async apply() {
      const { code, out, err } = await whole.run(['apply', '--yes', '--timeout', '100s'])
      if (code !== 0) throw new Error(`apply ended with ${code}\n${out}${err}`)
    },
    exec: (bottle, ...argv) => whole.run(['exec', bottle, '--', ...argv]),
    async inside<T>(bottle: string, body: string, user = '1000:1000') {
      const argv = ['exec', '-i', '-u', user, liveNames.agent(stack, bottle), ...python(body)]
      const { code, out, err } = await ran(['docker', ...argv], { stdin: '' })
      if (code !== 0) throw new Error(`exit ${code}: ${err}`)
      return JSON.parse(out) as T
    },
    names: (bottle) => ({
      holder: liveNames.holder(stack, bottle),
      agent: liveNames.agent(stack, bottle),
      bundle: liveNames.bundle(stack, bottle),
      uplink: liveNames.uplink(stack),
    }),
    async down() {
      const { code, out, err } = await whole.run(['destroy', '--yes', '--stack', stack])
      const left = leftovers(stack)
      sweepAway(stack)
      rmSync(folder, { recursive: true, force: true })
      if (code !== 0 || left.length > 0)
        throw new Error(`destroy ended with ${code} and left ${left.join(', ') || 'nothing'}\n${out}${err}`)
    },
  }
  whole.write('bottles.yaml', `version: 1\nstack: ${stack}\n${manifest}`)
  return whole
}

/** Runs a program without a shell. */
export function ran(
  [command = '', ...argv]: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly stdin?: string } = {},
): Promise<Ran> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(command, argv, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      timeout: 120_000,
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
    child.stdin.on('error', () => {})
    child.stdin.end(options.stdin ?? '')
    child.once('error', reject)
    child.once('close', (code) =>
      resolve({
        code: code ?? -1,
        out: Buffer.concat(out).toString('utf8'),
        err: Buffer.concat(err).toString('utf8'),
        ms: performance.now() - started,
      }),
    )
  })
}

/** What `destroy` should have removed, so that a failed test leaves nothing for the next one. */
function sweepAway(stack: string): void {
  const left = leftovers(stack)
  const attempt = (...argv: readonly string[]) => {
    try {
      docker(...argv)
    } catch {
      // It was of another kind, or is gone.
    }
  }
  for (const name of left) attempt('rm', '-f', '-v', name)
  for (const name of left) attempt('volume', 'rm', name)
  for (const name of left) attempt('network', 'rm', name)
}
