/**
 * `npm run labs`: prepares the heavy laboratories in a cache folder ($BOT_BOTTLE_LABS_CACHE, else
 * ~/.cache/bot-bottle-labs). Idempotent; says what it does and how long each step takes.
 *
 * `up engine-new` leaves one running and prints its DOCKER_HOST; `down engine-new` ends and removes it;
 * `run engine-new -- COMMAND…` runs a command beside one of its own, which is gone afterwards. `forge up` and
 * `forge down` (`npm run lab:forge -- up|down`) do the same for a real forge and print how it is reached.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ensureEngine } from './engine.ts'
import { ensurePackages, labsCache, say, timed } from './labs/cache.ts'
import { prepareClients } from './labs/clients.ts'
import { downForge, prepareForge, upForge } from './labs/forge.ts'
import { downEngineNew, inside, prepareEngineNew, upEngineNew, type Instance } from './labs/engine-new.ts'
import { handImages } from './labs/images.ts'

const USAGE =
  'usage: npm run labs [-- up engine-new | down engine-new | run engine-new -- COMMAND…]\n       npm run lab:forge -- up | down\n'

/** What the tests of the git gate have as upstream. */
const GIT_UPSTREAM = [
  ['openssh-server', ['test', '-x', '/usr/sbin/sshd']],
  ['openssh-client', ['ssh', '-V']],
] as const

/** What shows tests the screen of a program that runs on a terminal. */
const TERMINAL = [['tmux', ['tmux', '-V']]] as const

const [verb, name, ...rest] = process.argv.slice(2)

async function main(): Promise<number> {
  if (verb === undefined) {
    say(`cache: ${labsCache()}`)
    await timed('all laboratories', async () => {
      await prepareClients()
      await ensurePackages([...GIT_UPSTREAM, ...TERMINAL])
      await prepareForge()
      await prepareEngineNew()
    })
    return 0
  }
  if (verb === 'forge') return forge()
  if (name !== 'engine-new') return usage()
  switch (verb) {
    case 'up': {
      const { host, namespace } = await up(name)
      say(`its network namespace: nsenter --net=/run/netns/${namespace}`)
      process.stdout.write(`DOCKER_HOST=${host}\n`)
      return 0
    }
    case 'down':
      await downEngineNew(name)
      return 0
    case 'run':
      return rest[0] === '--' && rest.length > 1 ? beside(rest.slice(1)) : usage()
    default:
      return usage()
  }
}

async function forge(): Promise<number> {
  if (name === 'down') {
    await downForge('forge')
    return 0
  }
  if (name !== 'up') return usage()
  await prepareForge()
  const { api, token, repository, ssh } = await upForge('forge')
  const lines = { FORGE_API: api, FORGE_TOKEN: token, FORGE_REPOSITORY: repository, FORGE_SSH: ssh.url, FORGE_HOST_KEY: ssh.hostKey } // prettier-ignore
  for (const [key, value] of Object.entries(lines)) process.stdout.write(`${key}='${value}'\n`)
  return 0
}

async function up(instance: string): Promise<Instance> {
  await ensureEngine()
  const engine = await upEngineNew(instance)
  await timed('images from the first engine', () => handImages(engine.host))
  return engine
}

/** An engine of its own: two runs on one machine must not end each other's. */
async function beside(command: readonly string[]): Promise<number> {
  const instance = `engine-new-${process.pid}`
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
  try {
    const engine = await up(instance)
    const [program = '', ...argv] = inside(engine, command)
    const child = spawn(program, argv, {
      stdio: 'inherit',
      env: { ...process.env, DOCKER_HOST: engine.host },
    })
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
    })
  } finally {
    await downEngineNew(instance)
  }
}

function usage(): number {
  process.stderr.write(USAGE)
  return 2
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`labs: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
