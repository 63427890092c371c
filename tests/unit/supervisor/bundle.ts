/**
 * A bundle without an engine: the supervisor as root with its four capabilities and no-new-privileges, alone in a
 * network namespace that has only `lo`, its daemons as users of their own from a binary nobody may read.
 */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { EgressConfig, SupervisorRequest, SupervisorStatus } from '../../../src/model/control.ts'
import type { GateConfig, GateRemote } from '../../../src/model/gate.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../..')

/** Why these tests cannot run here; empty: they can. */
export function whyNot(): string {
  if (process.getuid?.() !== 0) return 'switching users needs root'
  for (const tool of ['unshare', 'nsenter', 'setpriv', 'ip']) {
    if (spawnSync(tool, ['--help']).error !== undefined) return `${tool} is not installed`
  }
  return spawnSync('unshare', ['--net', 'true']).status === 0 ? '' : 'a network namespace cannot be made here'
}

export const UID = { egress: 20_001, gitGate: 20_002, stranger: 20_009 }
export const SECRET = 'canary-secret-value-77'
export const TOKEN = 'uplink-token-'.padEnd(40, 't')

export const config = (fields: Partial<EgressConfig> = {}): EgressConfig => ({
  generation: 1,
  policy: { log: 'all', routes: [] },
  secrets: { 'env:TOKEN': SECRET },
  trust: [],
  uplinkToken: TOKEN,
  bottle: 'impl',
  ...fields,
})

export const REMOTE: GateRemote = {
  name: 'origin',
  url: { user: 'git', host: 'git.acme.test', port: 22, path: '/acme/app.git' },
  hostKeys: ['ssh-ed25519 AAAA'],
  push: {
    allow: ['refs/heads/agent/*'],
    force: false,
    delete: false,
    tags: false,
    scan: 'block',
    flag: [],
    protect: [],
  },
}

export const gateConfig = (fields: Partial<GateConfig> = {}): GateConfig => ({
  generation: 1,
  bottle: 'impl',
  remotes: [REMOTE],
  identities: { origin: SECRET },
  ...fields,
})

export interface Answer {
  readonly ok: boolean
  readonly value?: unknown
  readonly code?: string
  readonly message?: string
  readonly end?: boolean
}

export interface Bundle {
  readonly pid: number
  readonly folder: string
  readonly uplink: string
  readonly output: string[]
  ask(request: SupervisorRequest | Readonly<Record<string, unknown>>): Promise<Answer>
  /** Every answer to one request, as they come. */
  stream(request: SupervisorRequest): Answer[]
  status(): Promise<SupervisorStatus>
  /** Runs in the bottle's namespace, as the agent would. */
  inside(command: string, ...argv: readonly string[]): Promise<string>
  /** What a TCP door answers to one line; `refused` when nobody listens. */
  door(address: string, port: number, line: string): Promise<string>
  /** How the process ended, once it has. */
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>
  kill(signal: NodeJS.Signals): void
  close(): Promise<void>
}

export interface BundleOptions {
  readonly off?: readonly string[]
  readonly newPrivileges?: boolean
  readonly daemons?: readonly string[]
}

const CLIENT = `
const [address, port, line] = process.argv.slice(1)
const socket = require('node:net').connect(Number(port), address, () => socket.write(line + '\\n'))
let said = ''
socket.on('data', (chunk) => (said += chunk))
socket.on('error', (error) => { console.log(error.code === 'ECONNREFUSED' ? 'refused' : error.code); process.exit() })
socket.on('end', () => { console.log(said.trim()); process.exit() })
`

export async function startBundle(options: BundleOptions = {}): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
  chmodSync(folder, 0o755)
  const [bin, uplink] = [join(folder, 'bin'), join(folder, 'uplink')]
  mkdirSync(bin)
  mkdirSync(uplink)
  const daemons = options.daemons ?? [`egress=${UID.egress}`]
  for (const daemon of daemons) {
    const binary = join(bin, daemon.split('=')[0] ?? '')
    copyFileSync(process.execPath, binary)
    chmodSync(binary, 0o711)
  }
  const off = (options.off ?? []).flatMap((name) => ['--off', name])
  const program =
    off.length > 0 ? 'tests/unit/supervisor/fixtures/supervisor-process.ts' : 'sidecars/supervisor/main.ts'
  const paths = [
    '--bin',
    bin,
    '--programs',
    join(import.meta.dirname, 'fixtures'),
    '--run',
    join(folder, 'run'),
    '--uplink',
    uplink,
  ]
  const argv = [...off, '--bottle', 'impl', ...daemons.flatMap((daemon) => ['--daemon', daemon]), ...paths]
  const privileges = ['--bounding-set', '-all,+setuid,+setgid,+kill,+net_bind_service', '--inh-caps', '-all']
  const limits = options.newPrivileges === true ? privileges : ['--no-new-privs', ...privileges]
  const script = 'ip link set lo up && exec setpriv "$@"'
  const node = [process.execPath, join(ROOT, program), ...argv]
  const child = spawn('unshare', ['--net', 'sh', '-c', script, 'sh', ...limits, ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  const output: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the supervisor did not start')))
    createInterface({ input: child.stdout }).on('line', (line) => {
      output.push(line)
      if (line.includes('supervisor started')) resolve()
    })
  })
  const pid = child.pid!
  const control = connect(join(folder, 'run/control.sock')).on('error', () => undefined)
  const waiting = new Map<number, (answer: Answer) => void>()
  createInterface({ input: control }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer & { id: number }
    waiting.get(answer.id)?.(answer)
  })
  let id = 0
  const send = (request: object, onAnswer: (answer: Answer) => void): void => {
    id += 1
    waiting.set(id, onAnswer)
    control.write(`${JSON.stringify({ id, ...request })}\n`)
  }
  const ask: Bundle['ask'] = (request) => new Promise((resolve) => send(request, resolve))
  const inside: Bundle['inside'] = async (command, ...rest) => {
    const { stdout } = await run('nsenter', [`--net=/proc/${pid}/ns/net`, command, ...rest])
    return stdout.trim()
  }
  return {
    pid,
    folder,
    uplink,
    output,
    ask,
    stream(request) {
      const answers: Answer[] = []
      send(request, (answer) => answers.push(answer))
      return answers
    },
    status: async () => (await ask({ op: 'status', nonce: 'n' })).value as SupervisorStatus,
    inside,
    door: (address, port, line) => inside(process.execPath, '-e', CLIENT, address, String(port), line),
    ended,
    kill: (signal) => void child.kill(signal),
    async close() {
      control.destroy()
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
