/** The gate with a real upstream behind OpenSSH and real git clients in front of it. Nothing of it is ours but the gate. */
import { execFile } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import type { GateConfig, GateRemote, PushPolicy } from '../../../src/model/gate.ts'
import { createGate } from '../../../sidecars/gate/gate.ts'
import type { Gate } from '../../../sidecars/gate/gate.ts'
import type { GateLimits } from '../../../sidecars/gate/limits.ts'
import type { LogLine } from '../../../sidecars/supervisor/ipc.ts'
import { makeKey, Sshd } from './sshd.ts'
import type { KeyType } from './sshd.ts'

/** What a command did. */
export interface Did {
  readonly code: number
  readonly out: string
  readonly err: string
}

export const PUSH: PushPolicy = {
  allow: ['refs/heads/agent/**'],
  force: false,
  delete: false,
  tags: false,
  scan: 'block',
  flag: [],
  protect: [],
}

export interface LabOptions {
  readonly push?: Partial<PushPolicy>
  readonly remote?: Partial<GateRemote>
  readonly config?: Partial<GateConfig>
  readonly limits?: Partial<GateLimits>
  readonly hostKeyType?: KeyType
  readonly identityType?: KeyType
  /** What a thread runs that looks at pushes, in place of the gate's own. */
  readonly scanner?: (folder: string) => URL
}

const AUTHOR = {
  GIT_AUTHOR_NAME: 'Agent',
  GIT_AUTHOR_EMAIL: 'agent@bottle.test',
  GIT_COMMITTER_NAME: 'Agent',
  GIT_COMMITTER_EMAIL: 'agent@bottle.test',
}
const ENV = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
  ...AUTHOR,
}

function execute(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  input?: string,
): Promise<Did> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...args],
      { cwd, env: { ...ENV, ...env }, maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) =>
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err }),
    )
    child.stdin?.end(input)
  })
}

export class Lab {
  readonly folder: string
  readonly gate: Gate
  readonly sshd: Sshd
  /** The public line of the identity in force. */
  readonly identity: string
  readonly dialled: string[] = []
  readonly lines: LogLine[] = []
  readonly #server: Server
  readonly #config: GateConfig
  port = 0
  #generation = 1
  /** What is done instead of dialling. */
  refuseDial: string | undefined

  private constructor(folder: string, sshd: Sshd, options: LabOptions) {
    this.folder = folder
    this.sshd = sshd
    const identity = makeKey(join(folder, 'identity'), options.identityType)
    sshd.allow(identity.line)
    this.identity = identity.line
    const remote: GateRemote = {
      name: 'origin',
      url: { user: sshd.user, host: '127.0.0.1', port: sshd.port, path: this.upstream() },
      hostKeys: [sshd.hostKey],
      push: { ...PUSH, ...options.push },
      ...options.remote,
    }
    this.#config = {
      generation: 1,
      bottle: 'implementer',
      uplinkToken: 'token',
      remotes: [remote],
      identities: { [remote.name]: identity.secret },
      ...options.config,
    }
    this.gate = createGate({
      work: join(folder, 'w'),
      scanner: options.scanner?.(folder) ?? new URL('./scanner.ts', import.meta.url),
      relay: [process.execPath, '--no-warnings', join(import.meta.dirname, 'relay.ts')],
      dial: ({ host, port }) => this.#dial(host, port),
      log: (line) => this.lines.push(line),
      limits: options.limits ?? {},
    })
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.gate.accept(socket))
  }

  static async open(options: LabOptions = {}): Promise<Lab> {
    const folder = mkdtempSync('/tmp/bb-gate-')
    const sshd = await Sshd.start(join(folder, 'sshd'), options.hostKeyType)
    try {
      await makeUpstream(folder)
      const lab = new Lab(folder, sshd, options)
      await lab.gate.configure(lab.#config)
      await new Promise<void>((resolve) => lab.#server.listen(0, '127.0.0.1', resolve))
      lab.port = (lab.#server.address() as AddressInfo).port
      return lab
    } catch (error) {
      await sshd.stop()
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  get config(): GateConfig {
    return this.#config
  }

  get remote(): GateRemote {
    const [remote] = this.#config.remotes
    if (remote === undefined) throw new Error('no remote')
    return remote
  }

  /** Configures again, with parts of the remote replaced. */
  async reconfigure(remote: Partial<GateRemote>, config: Partial<GateConfig> = {}): Promise<void> {
    this.#generation += 1
    const remotes = [{ ...this.remote, ...remote }]
    await this.gate.configure({ ...this.#config, remotes, ...config, generation: this.#generation })
  }

  upstream(name = 'up'): string {
    return join(this.folder, `${name}.git`)
  }

  url(name = 'origin'): string {
    return `http://127.0.0.1:${this.port}/${name}.git`
  }

  /** Git at the upstream itself, past the gate. */
  async up(...args: readonly string[]): Promise<string> {
    return (await execute('git', args, this.upstream())).out.trim()
  }

  /** A colleague's commit on top of one that is there; its id. */
  async commitUp(branch: string, parent: string): Promise<string> {
    const commit = await this.up('commit-tree', '-p', parent, '-m', `on ${branch}`, `${parent}^{tree}`)
    await this.up('update-ref', `refs/heads/${branch}`, commit)
    return commit
  }

  /** Git of the agent, in its clone. */
  git(...args: readonly string[]): Promise<Did> {
    return execute('git', args, join(this.folder, 'agent'))
  }

  /** The same, with variables and standard input, in whatever folder. */
  run(
    args: readonly string[],
    {
      folder = 'agent',
      env = {},
      input,
    }: { folder?: string; env?: Record<string, string>; input?: string } = {},
  ): Promise<Did> {
    return execute('git', args, join(this.folder, folder), env, input)
  }

  async clone(...options: readonly string[]): Promise<Did> {
    return execute('git', ['clone', '-q', ...options, this.url(), 'agent'], this.folder)
  }

  /** A branch with one commit that has these files; content by path. */
  async commit(
    files: Readonly<Record<string, string | Uint8Array>>,
    message = 'work',
    branch = 'agent/x',
  ): Promise<void> {
    await this.git('checkout', '-q', '-B', branch)
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.folder, 'agent', path)
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(file, content)
    }
    await this.git('add', '-A', '-f')
    const did = await this.git('commit', '-q', '-m', message)
    if (did.code !== 0) throw new Error(did.err + did.out)
  }

  push(...refs: readonly string[]): Promise<Did> {
    return this.git('push', 'origin', ...(refs.length === 0 ? ['HEAD'] : refs))
  }

  async close(): Promise<void> {
    await this.gate.close()
    this.#server.close()
    await this.sshd.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #dial(host: string, port: number): Promise<ReturnType<typeof connect>> {
    this.dialled.push(`${host}:${port}`)
    if (this.refuseDial !== undefined) return Promise.reject(new Error(this.refuseDial))
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, allowHalfOpen: true })
      socket.once('connect', () => resolve(socket))
      socket.once('error', reject)
    })
  }
}

/** Branches `main` (three commits) and `teammate`, a tag, and refs that are nobody's business. */
export async function makeUpstream(folder: string): Promise<void> {
  const stream = [
    ...[1, 2, 3].flatMap((n) => [
      'commit refs/heads/main',
      `mark :${n}`,
      `committer Human <human@team.test> ${1_700_000_000 + n} +0000`,
      'data 4',
      `work`,
      ...(n > 1 ? [`from :${n - 1}`] : []),
      `M 100644 inline file-${n}.txt`,
      'data 6',
      `text ${n}`,
    ]),
    'reset refs/heads/teammate\nfrom :2\n',
    'reset refs/tags/v1\nfrom :1\n',
    'reset refs/pull/7/head\nfrom :2\n',
  ].join('\n')
  const up = join(folder, 'up.git')
  await execute('git', ['init', '-q', '--bare', '--initial-branch=main', 'up.git'], folder)
  const did = await execute('git', ['fast-import', '--quiet'], up, {}, `${stream}\n`)
  if (did.code !== 0) throw new Error(did.err)
}

export async function inLab(options: LabOptions, body: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await Lab.open(options)
  try {
    await body(lab)
  } finally {
    await lab.close()
  }
}
