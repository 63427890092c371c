/**
 * `node scripts/engine.ts ensure`: an engine that answers is used; else, on Debian or Ubuntu as root, one is installed
 * with apt and started in a session of its own. Says what it does and how long each step takes. Idempotent.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { chooseEndpoint, describeEndpoint } from '../src/drivers/docker/endpoint.ts'
import { openEngine } from '../src/drivers/docker/engine.ts'

const PACKAGES = ['docker.io', 'iptables', 'iproute2', 'ca-certificates']
const LOG = '/var/log/bot-bottle-dockerd.log'
/** Longest time from start to answer, milliseconds. */
const PATIENCE_MS = 60_000

const say = (text: string): void => void process.stdout.write(`engine: ${text}\n`)

export async function ensureEngine(): Promise<void> {
  const endpoint = chooseEndpoint(process.env)
  const found = await answering()
  if (found !== undefined) return say(`${found} answers at ${describeEndpoint(endpoint)}`)
  if (process.env['DOCKER_HOST'])
    throw new Error(
      `no engine answers at ${process.env['DOCKER_HOST']}; unset DOCKER_HOST to have one started here`,
    )
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(
      'no Docker engine answers, and one can be installed here only as root on Debian or Ubuntu: https://docs.docker.com/engine/install/',
    )
  }
  if (daemon() === undefined) await timed(`apt-get install ${PACKAGES.join(' ')}`, install)
  await timed(`dockerd (log: ${LOG})`, start)
}

async function answering(): Promise<string | undefined> {
  try {
    const info = await openEngine(chooseEndpoint(process.env)).info()
    return `Docker ${info.version}`
  } catch {
    return undefined
  }
}

function daemon(): string | undefined {
  return ['/usr/sbin/dockerd', '/usr/bin/dockerd', '/usr/local/bin/dockerd'].find((path) => existsSync(path))
}

async function install(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run(['apt-get', 'update', '-q'], env)
  run(['apt-get', 'install', '-q', '-y', '--no-install-recommends', ...PACKAGES], env)
}

function run([program = '', ...rest]: readonly string[], env: NodeJS.ProcessEnv): void {
  const { status, stderr, stdout } = spawnSync(program, rest, {
    env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0)
    throw new Error(
      `${program} ${rest.join(' ')} failed:\n${`${stdout}${stderr}`.trim().split('\n').slice(-15).join('\n')}`,
    )
}

/** In its own session: a Ctrl-C in this terminal does not reach it. */
async function start(): Promise<void> {
  const path = daemon()
  if (path === undefined) throw new Error('dockerd is not installed')
  const log = openSync(LOG, 'a')
  const child = spawn(path, [], { detached: true, stdio: ['ignore', log, log], cwd: '/' })
  let ended: number | null | undefined
  child.once('exit', (code) => (ended = code))
  child.unref()
  const until = performance.now() + PATIENCE_MS
  for (let pause = 50; (await answering()) === undefined; pause = Math.min(pause * 2, 1000)) {
    if (ended !== undefined || performance.now() > until) {
      throw new Error(
        `dockerd does not answer${ended === undefined ? '' : ` (exit code ${ended})`}:\n${readFileSync(LOG, 'utf8').trim().split('\n').slice(-15).join('\n')}`,
      )
    }
    await wait(pause)
  }
}

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  say(`${what} …`)
  const from = performance.now()
  await work()
  say(`${what}: ${((performance.now() - from) / 1000).toFixed(1)} s`)
}

if (import.meta.main) {
  if (process.argv[2] !== 'ensure') {
    process.stderr.write('usage: node scripts/engine.ts ensure\n')
    process.exitCode = 2
  } else {
    await ensureEngine().catch((error: unknown) => {
      process.stderr.write(`engine: ${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    })
  }
}
