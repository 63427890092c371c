/** Where laboratories are kept between runs, and how this script runs other programs. */
import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Survives between runs; removing it costs the time of the next `npm run labs`. */
export function labsCache(env: NodeJS.ProcessEnv = process.env): string {
  return env['BOT_BOTTLE_LABS_CACHE'] ?? join(homedir(), '.cache', 'bot-bottle-labs')
}

export const say = (text: string): void => void process.stderr.write(`labs: ${text}\n`)

export async function timed<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  say(`${what} …`)
  const from = performance.now()
  const result = await work()
  say(`${what}: ${((performance.now() - from) / 1000).toFixed(1)} s`)
  return result
}

/** Its output; a failure is an error with the last lines of what it said. */
export function run(
  [program = '', ...rest]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(program, rest, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status === 0) return stdout.trim()
  const told = error?.message ?? `${stdout}${stderr}`.trim().split('\n').slice(-20).join('\n')
  throw new Error(`${program} ${rest.join(' ')} failed:\n${told}`)
}

export function succeeds([program = '', ...rest]: readonly string[]): boolean {
  return spawnSync(program, rest, { stdio: 'ignore' }).status === 0
}

/** Debian's packages of what is missing here. `needs`: package by the command that shows that it is there. */
export async function ensurePackages(
  needs: readonly (readonly [string, readonly string[]])[],
): Promise<void> {
  const missing = needs.filter(([, probe]) => !succeeds(probe)).map(([name]) => name)
  if (missing.length === 0) return
  if (process.getuid?.() !== 0 || !succeeds(['apt-get', '--version']))
    throw new Error(`missing: ${missing.join(', ')}; they can be installed here only as root with apt`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await timed(`apt-get install ${missing.join(' ')}`, () => {
    run(['apt-get', 'update', '-q'], env)
    run(['apt-get', 'install', '-q', '-y', '--no-install-recommends', ...missing], env)
  })
}
