/**
 * The newest engine as a laboratory: compiled once into the cache, started in a network namespace of its own (two
 * engines in one delete each other's chains and docker0), beside whatever engine the machine has.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openEngine } from '../../src/drivers/docker/engine.ts'
import { ensurePackages, labsCache, run, say, succeeds, timed } from './cache.ts'
import { ensureGo } from './go.ts'
import { commandLine, endProcess, recordedProcess } from './process.ts'

const DOCKERD = { module: 'github.com/moby/moby/v2/cmd/dockerd', version: 'v2.0.0-beta.24' } as const
const RUNC = { module: 'github.com/opencontainers/runc', version: 'v1.5.2' } as const
/** Longest time from start to answer, milliseconds. */
const PATIENCE_MS = 60_000

/** To compile it, and to run it. containerd: Debian's is enough. */
const TO_BUILD = [
  ['gcc', ['gcc', '--version']],
  ['libc6-dev', ['test', '-e', '/usr/include/stdlib.h']],
  ['pkg-config', ['pkg-config', '--version']],
  ['libseccomp-dev', ['pkg-config', '--exists', 'libseccomp']],
] as const
const TO_RUN = [
  ['containerd', ['containerd', '--version']],
  ['iptables', ['iptables', '--version']],
  ['iproute2', ['ip', '-V']],
  ['util-linux', ['nsenter', '--version']],
] as const

function programs(): string {
  return join(labsCache(), `engine-new-${DOCKERD.version}-runc-${RUNC.version}`)
}

/** Why it cannot run here; undefined when it can. */
export function engineNewMissing(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs root on Linux'
  if (!existsSync(join(programs(), 'dockerd'))) return `nothing in ${labsCache()}; make it with: npm run labs`
  const lacking = TO_RUN.filter(([, probe]) => !succeeds(probe)).map(([name]) => name)
  return lacking.length === 0 ? undefined : `${lacking.join(', ')} missing; install with: npm run labs`
}

/** Idempotent. */
export async function prepareEngineNew(): Promise<void> {
  if (process.platform !== 'linux') throw new Error('the newest engine can be made on Linux only')
  await ensurePackages(TO_RUN)
  const to = programs()
  if (existsSync(to)) return say(`dockerd ${DOCKERD.version} and runc ${RUNC.version} are in ${to}`)
  await ensurePackages(TO_BUILD)
  const go = await ensureGo()
  const unfinished = `${to}.${process.pid}`
  try {
    for (const { module, version } of [RUNC, DOCKERD]) {
      await timed(`go install ${module}@${version}`, () =>
        run([go, 'install', '-tags', 'seccomp', `${module}@${version}`], {
          GOBIN: unfinished,
          GOTOOLCHAIN: 'local',
          GOFLAGS: '',
          CGO_ENABLED: '1',
          ...(go !== 'go' && { GOROOT: '' }),
        }),
      )
    }
    renameSync(unfinished, to)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

/** One running engine: everything of it is in its two folders and its network namespace. */
export interface Instance {
  readonly name: string
  readonly host: string
  readonly namespace: string
}

interface Places extends Instance {
  readonly data: string
  readonly runtime: string
  readonly containerd: string
}

function places(name: string): Places {
  const runtime = join('/run/bot-bottle-labs', name)
  return {
    name,
    runtime,
    data: join(labsCache(), 'data', name),
    containerd: join(runtime, 'containerd.sock'),
    host: `unix://${join(runtime, 'docker.sock')}`,
    namespace: `bb-${name}`,
  }
}

/** A command line inside the engine's network namespace: what listens there is reached by its containers. */
export function inside({ namespace }: Instance, argv: readonly string[]): readonly string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, ...argv]
}

/** `settings` is its `daemon.json`, for an engine of an odd operator; one that answers already is left as it is. */
export async function upEngineNew(name: string, settings: object = {}): Promise<Instance> {
  const at = places(name)
  if (await answers(at)) return at
  await downEngineNew(name)
  for (const folder of [at.data, at.runtime]) mkdirSync(folder, { recursive: true })
  run(['ip', 'netns', 'add', at.namespace])
  run(inside(at, ['ip', 'link', 'set', 'lo', 'up']))
  writeFileSync(
    join(at.runtime, 'containerd.toml'),
    [
      'version = 2',
      `root = "${at.data}/containerd"`,
      `state = "${at.runtime}/containerd"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      `[grpc]\n  address = "${at.containerd}"`,
      '',
    ].join('\n'),
  )
  // Not the machine's: its settings are for the first engine.
  writeFileSync(join(at.runtime, 'daemon.json'), JSON.stringify(settings))
  const from = performance.now()
  try {
    const containerd = start(at, 'containerd', [
      'containerd',
      '--config',
      join(at.runtime, 'containerd.toml'),
    ])
    await until(at, containerd, 'containerd', async () => existsSync(at.containerd))
    const dockerd = start(at, 'dockerd', [
      join(programs(), 'dockerd'),
      '--data-root',
      join(at.data, 'docker'),
      '--exec-root',
      join(at.runtime, 'docker'),
      '-H',
      at.host,
      '--pidfile',
      join(at.runtime, 'dockerd-own.pid'),
      '--containerd',
      at.containerd,
      '--config-file',
      join(at.runtime, 'daemon.json'),
    ])
    await until(at, dockerd, 'dockerd', () => answers(at))
  } catch (failed) {
    await downEngineNew(name)
    throw failed
  }
  say(`${name} answers at ${at.host} after ${((performance.now() - from) / 1000).toFixed(1)} s`)
  return at
}

/** Ends only processes that it started, by id. Idempotent. */
export async function downEngineNew(name: string): Promise<void> {
  const at = places(name)
  for (const program of ['dockerd', 'containerd'])
    await endProcess(recordedProcess(join(at.runtime, `${program}.pid`), at.runtime))
  for (const pid of shims(at)) await endProcess(pid)
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((target) => target.startsWith(`${at.runtime}/`) || target.startsWith(`${at.data}/`))
  for (const target of mounts.reverse()) succeeds(['umount', '-l', target])
  if (existsSync(`/run/netns/${at.namespace}`)) run(['ip', 'netns', 'delete', at.namespace])
  for (const folder of [at.runtime, at.data]) rmSync(folder, { recursive: true, force: true })
}

function start(at: Places, program: string, argv: readonly string[]): ChildProcess {
  const log = openSync(join(at.runtime, `${program}.log`), 'a')
  const [command = '', ...rest] = inside(at, argv)
  const child = spawn(command, rest, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: { ...process.env, PATH: `${programs()}:${process.env['PATH'] ?? ''}` },
  })
  child.unref()
  if (child.pid !== undefined) writeFileSync(join(at.runtime, `${program}.pid`), String(child.pid))
  return child
}

async function until(
  at: Places,
  child: ChildProcess,
  program: string,
  there: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  for (let pause = 50; !(await there()); pause = Math.min(pause * 2, 1000)) {
    if (child.exitCode !== null || performance.now() > end) {
      const log = readFileSync(join(at.runtime, `${program}.log`), 'utf8')
        .trim()
        .split('\n')
        .slice(-15)
      throw new Error(`${program} of ${at.name} does not answer:\n${log.join('\n')}`)
    }
    await wait(pause)
  }
}

async function answers(at: Places): Promise<boolean> {
  const path = at.host.slice('unix://'.length)
  try {
    return existsSync(path) && (await openEngine({ kind: 'socket', path, from: at.name }).info()).id !== ''
  } catch {
    return false
  }
}

/** Shims that outlived their containerd: they name its socket. */
function shims(at: Places): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const line = commandLine(pid)
      return line.includes('containerd-shim') && line.includes(at.containerd)
    })
}
