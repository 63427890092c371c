/** Our own way out as it runs in production: egress and uplink as two bundled processes with the flags of a bundle, the dial socket between them. */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import type { EgressConfig, UplinkRequest } from '../../../src/model/control.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import {
  bundleForSnapshot,
  bundleModules,
  snapshotSettings,
} from '../../../src/drivers/docker/images/programs.ts'
import { dialToken } from '../../../sidecars/control/token.ts'
import { read } from '../../measure.ts'
import { FIRST, HOST } from '../material.ts'
import type { Surroundings } from '../peers.ts'
import { start } from '../process.ts'

/** Of `src/drivers/docker/bodies.ts`. */
export const NODE_FLAGS = ['--disable-sigusr1', '--max-semi-space-size=1', '--no-warnings']
/** Of `sidecars/supervisor/life.ts`. */
const ENVIRONMENT_OF = { egress: { MALLOC_ARENA_MAX: '1' }, uplink: {} } as const
/** Of `sidecars/supervisor/life.ts`; for the old generation what Node takes of the memory of their containers. */
const FLAGS_OF = {
  egress: [...NODE_FLAGS, '--heap-growing-percent=25', '--max-old-space-size=256'],
  uplink: [...NODE_FLAGS, '--max-old-space-size=128'],
} as const
const TOKEN = 'bench-0123456789abcdef0123456789abcdef'
/** Private, and of no interface: what the uplink may dial. */
const ADDRESS = '10.254.254.1'

export interface Ours {
  readonly port: number
  readonly pids: { readonly egress: number; readonly uplink: number }
}

const programs = new Map<string, Promise<readonly string[]>>()

export async function startOurs(around: Surroundings): Promise<Ours> {
  const folder = mkdtempSync(join(around.material.folder, 'ours-'))
  const uplink = await startUplink(around, folder)
  const { child, port } = await startEgress(around, folder)
  return { port, pids: { egress: child.pid ?? 0, uplink: uplink.pid ?? 0 } }
}

/** Milliseconds from the start of an egress process until a request through it could be sent; `uplink` stands already. */
export async function startEgress(
  around: Surroundings,
  folder: string,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = await startProgram(around, 'egress', [join(folder, 'dial.sock')])
  child.send(configOf(around))
  const { port } = await message<{ readonly port: number }>(child)
  return { child, port }
}

export async function startUplink(around: Surroundings, folder: string): Promise<ChildProcess> {
  mkdirSync(join(folder, 'run'), { mode: 0o700 })
  const child = await startProgram(around, 'uplink', [folder])
  const names = [HOST, ...around.hosts]
  const hosts = Object.fromEntries(names.map((name) => [name, ADDRESS]))
  const targets = [HOST, `*.${FIRST}`].map((host) => ({
    host,
    port: around.originPort,
    allowPrivate: true,
  }))
  await ask(join(folder, 'run', 'control.sock'), [
    { op: 'configure', policy: { hosts, dns: [], noProxy: [], hostAddresses: [] } },
    { op: 'attach', bottle: 'bench', token: TOKEN, targets },
  ])
  return child
}

async function startProgram(
  { material }: Surroundings,
  name: 'egress' | 'uplink',
  argv: readonly string[],
): Promise<ChildProcess> {
  const made = programs.get(name) ?? MAKE[name](join(import.meta.dirname, `${name}.ts`), material.folder)
  programs.set(name, made)
  const child = start([process.execPath, ...FLAGS_OF[name], ...(await made), ...argv], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...ENVIRONMENT_OF[name] },
  })
  await message(child)
  return child
}

const MAKE = {
  egress: snapshot,
  uplink: async (program: string, folder: string) => [await bundle(program, folder)],
}

/** A program of a bundle, as its image has it. */
export async function bundle(program: string, folder: string): Promise<string> {
  const name = basename(program, '.ts')
  return write(join(folder, `${name}.mjs`), (await bundleModules({ [name]: program }, 'bench')).get(name))
}

/** What Node is given to start egress, as its image has it. */
export async function snapshot(program: string, folder: string): Promise<readonly string[]> {
  const name = basename(program, '.ts')
  const script = write(
    join(folder, `${name}.cjs`),
    (await bundleForSnapshot({ [name]: program }, 'bench')).get(name),
  )
  const settings = write(join(folder, `${name}.json`), snapshotSettings(script))
  const blob = join(folder, `${name}.blob`)
  await read({ argv: [process.execPath, '--snapshot-blob', blob, '--build-snapshot-config', settings] })
  return ['--snapshot-blob', blob, script]
}

function write(path: string, text: string | undefined): string {
  if (text === undefined) throw new Error(`${path} was not bundled`)
  writeFileSync(path, text)
  return path
}

/** Two routes, one with a credential and one without, and ten further secrets that requests are searched for. */
function configOf({ material, originPort }: Surroundings): EgressConfig {
  const secrets = Object.fromEntries(
    Array.from({ length: 11 }, (_, index) => [`env:SECRET_${index}`, `bench-${index}-0a1B2c3D4e5F6g7H8i9J`]),
  )
  const route = (host: string, auth?: RoutePolicy['auth']): RoutePolicy => ({
    host,
    port: originPort,
    scheme: 'https',
    tlsPassthrough: false,
    allowPrivate: true,
    gitFetch: false,
    ...(auth && { auth }),
  })
  return {
    generation: 1,
    policy: {
      log: 'blocks',
      routes: [route(HOST, { scheme: 'bearer', secret: 'env:SECRET_0' }), route(`*.${FIRST}`)],
    },
    secrets,
    issuer: { ...material.issuer, root: material.root },
    trust: [material.root],
    uplinkToken: dialToken(TOKEN),
    bottle: 'bench',
  }
}

/** The next message that is no line of a log; a process that ends says none. */
export function message<Said extends object>(child: ChildProcess): Promise<Said> {
  return new Promise((resolve, reject) => {
    const heard = (said: Said): void => {
      if ('log' in said) return
      child.off('message', heard)
      resolve(said)
    }
    child.on('message', heard)
    child.once('exit', (code) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)))
  })
}

/** One request after the other on a control socket; throws for a refusal. */
export function ask(path: string, requests: readonly UplinkRequest[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let said = ''
    socket.on('data', (piece: Buffer) => {
      said += piece.toString()
      const answers = said.split('\n').slice(0, -1)
      const refused = answers.find((answer) => !answer.includes('"ok":true'))
      if (refused !== undefined) reject(new Error(`the uplink answered ${refused}`))
      if (answers.length === requests.length) resolve(void socket.destroy())
    })
    socket.once('error', reject)
    for (const [id, request] of requests.entries()) socket.write(`${JSON.stringify({ id, ...request })}\n`)
  })
}
