/**
 * The git gate as it runs in production: gate and uplink as two bundled processes with the flags of a bundle, the dial
 * socket between them, the static helper as relay, OpenSSH on both sides, a real sshd in front of the upstream.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { goProgram } from '../../scripts/labs/peers.ts'
import { dialToken } from '../../sidecars/control/token.ts'
import { fingerprints } from '../../sidecars/detect/fingerprint.ts'
import type { GateConfig } from '../../src/model/gate.ts'
import { makeKey, Sshd } from '../../tests/unit/gate/sshd.ts'
import { start } from '../egress/process.ts'
import { ask, bundle, message, NODE_FLAGS } from '../egress/ours/start.ts'

const TOKEN = 'bench-0123456789abcdef0123456789abcdef'
const HOST = 'git.bench.test'
/** Private, and of no interface: what the uplink may dial. */
const ADDRESS = '10.254.254.1'

export interface Upstream {
  readonly sshd: Sshd
  readonly identity: string
  /** For plain git. */
  readonly ssh: string
}

export async function startUpstream(folder: string): Promise<Upstream> {
  const sshd = await Sshd.start(join(folder, 'sshd'))
  const identity = makeKey(join(folder, 'identity'))
  sshd.allow(identity.line)
  const known = join(folder, 'known')
  writeFileSync(known, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`)
  const ssh = `ssh -F none -i ${join(folder, 'identity')} -o UserKnownHostsFile=${known} -o BatchMode=yes`
  return { sshd, identity: identity.secret, ssh }
}

export interface RunningGate {
  readonly child: ChildProcess
  readonly port: number
  /** Where its mirrors are. */
  readonly work: string
  configure(remotes: Readonly<Record<string, string>>): Promise<void>
}

export class Gates {
  readonly #folder: string
  readonly #upstream: Upstream
  readonly #program: string
  readonly #relay: string
  #started = 0

  private constructor(folder: string, upstream: Upstream, program: string, relay: string) {
    this.#folder = folder
    this.#upstream = upstream
    this.#program = program
    this.#relay = relay
  }

  /** With an uplink that may dial the upstream. */
  static async prepare(folder: string, upstream: Upstream): Promise<Gates> {
    const relay = await goProgram(join(import.meta.dirname, '../../sidecars/guest'))
    const [gate, uplink] = await Promise.all([
      bundle(join(import.meta.dirname, 'program.ts'), folder),
      bundle(join(import.meta.dirname, '../egress/ours/uplink.ts'), folder),
    ])
    mkdirSync(join(folder, 'run'), { mode: 0o700 })
    await message(started([uplink, folder]))
    await ask(join(folder, 'run', 'control.sock'), [
      {
        op: 'configure',
        policy: { hosts: { [HOST]: ADDRESS }, dns: [], noProxy: [], hostAddresses: [] },
      },
      {
        op: 'attach',
        bottle: 'bench',
        token: TOKEN,
        targets: [{ host: HOST, port: upstream.sshd.port, allowPrivate: true }],
      },
    ])
    return new Gates(folder, upstream, gate, relay)
  }

  /** `keptMs`: how long what is not used stands; default: as in production. */
  async start(keptMs?: number): Promise<RunningGate> {
    this.#started += 1
    const work = join(this.#folder, `g${this.#started}`)
    const kept = keptMs === undefined ? [] : [String(keptMs)]
    const child = started([this.#program, join(this.#folder, 'dial.sock'), work, this.#relay, ...kept])
    const { port } = await message<{ readonly port: number }>(child)
    let generation = 0
    return {
      child,
      port,
      work,
      configure: async (remotes) => {
        generation += 1
        child.send(this.#config(generation, remotes))
        await message(child)
      },
    }
  }

  #config(generation: number, remotes: Readonly<Record<string, string>>): GateConfig {
    const { sshd, identity } = this.#upstream
    const key = Buffer.alloc(32, 7)
    const known = Array.from({ length: 11 }, (_, at) =>
      fingerprints(key, `env:SECRET_${at}`, `bench-${at}-0a1B2c3D4e5F6g7H8i9J`),
    )
    return {
      generation,
      bottle: 'bench',
      uplinkToken: dialToken(TOKEN),
      remotes: Object.entries(remotes).map(([name, path]) => ({
        name,
        url: { user: sshd.user, host: HOST, port: sshd.port, path },
        hostKeys: [sshd.hostKey],
        push: {
          allow: ['refs/heads/agent/**'],
          force: false,
          delete: false,
          tags: false,
          scan: 'block',
          flag: ['.github/**', '.envrc'],
          protect: [],
        },
      })),
      identities: Object.fromEntries(Object.keys(remotes).map((name) => [name, identity])),
      known: { key: key.toString('hex'), prints: known.flat() },
    }
  }
}

const started = (argv: readonly string[]): ChildProcess =>
  start(['/usr/bin/env', 'MALLOC_ARENA_MAX=1', process.execPath, ...NODE_FLAGS, ...argv], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
