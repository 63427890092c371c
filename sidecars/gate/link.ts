/**
 * The way to one upstream: files that ssh reads, the agent it asks, the socket it leaves by, and one kept connection.
 * A link is made for one URL, one identity and one set of host keys; when any of them changes it is closed, and with it
 * whatever was open to the upstream, before the next one is made.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { VERIFY_MS } from '../../src/model/gate.ts'
import type { SshUrl, UpstreamTrouble } from '../../src/model/gate.ts'
import { serveAgent } from './agent.ts'
import { gitEnvironment } from './git.ts'
import { parsePrivateKey } from './keys.ts'
import type { SshKey } from './keys.ts'
import {
  checkUrl,
  explain,
  knownHosts,
  MASTER_SAYS,
  masterArguments,
  sshCommand,
  sshConfig,
  urlFor,
} from './ssh.ts'
import type { SshPaths, SshWay } from './ssh.ts'

/** To the host and port of the URL, by whatever way leads there. */
export type Dial = (target: { readonly host: string; readonly port: number }) => Promise<Duplex>

export interface LinkOptions {
  readonly url: SshUrl
  readonly hostKeys: readonly string[]
  /** Secret. */
  readonly identity: string
  /** Of its own; nobody else may enter the one above it. */
  readonly folder: string
  readonly relay: readonly string[]
  readonly dial: Dial
  readonly limits: LinkLimits
}

export interface LinkLimits {
  /** Dial, handshake and authentication. */
  readonly connectMs: number
  /** A kept connection that nobody uses. */
  readonly keptMs: number
}

export const LINK_LIMITS: LinkLimits = { connectMs: VERIFY_MS.connect, keptMs: 60_000 }

/** The upstream cannot be used; the message names what and why, never a secret. */
export class UpstreamFailed extends Error {
  override readonly name = 'UpstreamFailed'
  readonly trouble: UpstreamTrouble
  constructor(trouble: UpstreamTrouble) {
    super(trouble.message)
    this.trouble = trouble
  }
}

interface Master {
  readonly child: ChildProcess
  readonly standing: Promise<void>
}

const STDERR_MAX = 32 * 1024

export class Link {
  readonly url: string
  /** The public line of its identity. */
  readonly opens: string
  readonly #options: LinkOptions
  readonly #way: SshWay
  readonly #key: SshKey
  readonly #sockets = new Set<Duplex>()
  readonly #servers: Server[] = []
  #ready: Promise<void> | undefined
  #master: Master | undefined
  #users = 0
  #idle: NodeJS.Timeout | undefined
  #closed = false
  #dialled: string | undefined

  /** Throws for an identity, a URL or host keys that cannot be used. */
  constructor(options: LinkOptions) {
    checkUrl(options.url)
    const { folder } = options
    const paths: SshPaths = {
      config: join(folder, 'config'),
      knownHosts: join(folder, 'hosts'),
      agent: join(folder, 'a'),
      dial: join(folder, 'd'),
      control: join(folder, 'c'),
    }
    this.#options = options
    this.#key = parsePrivateKey(options.identity)
    this.#way = { url: options.url, hostKeys: options.hostKeys, paths, relay: options.relay }
    sshConfig(this.#way)
    knownHosts(options.hostKeys)
    this.url = urlFor(options.url)
    this.opens = `${this.#key.type} ${this.#key.blob.toString('base64')}`
  }

  /** Runs a step with the variables that make git use this link. Throws UpstreamFailed where there is no way. */
  async use<T>(step: (env: Readonly<Record<string, string>>) => Promise<T>): Promise<T> {
    this.#users += 1
    clearTimeout(this.#idle)
    try {
      await (this.#ready ??= this.#prepare())
      await this.#stand()
      return await step({ GIT_SSH_COMMAND: sshCommand(this.#way.paths), GIT_SSH_VARIANT: 'ssh' })
    } finally {
      this.#users -= 1
      if (this.#users === 0)
        this.#idle = setTimeout(() => this.#hangUp(), this.#options.limits.keptMs).unref()
    }
  }

  /** What is open to the upstream ends now; nothing is opened any more. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#idle)
    this.#hangUp()
    for (const server of this.#servers) server.close()
    await this.#ready?.catch(() => undefined)
    await rm(this.#options.folder, { recursive: true, force: true })
  }

  async #prepare(): Promise<void> {
    const { folder, hostKeys } = this.#options
    const { paths } = this.#way
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(paths.config, sshConfig(this.#way), { mode: 0o600 })
    await writeFile(paths.knownHosts, knownHosts(hostKeys), { mode: 0o600 })
    await this.#listen(paths.agent, (socket) => serveAgent(socket, () => this.#key))
    await this.#listen(paths.dial, (socket) => void this.#leave(socket))
  }

  #listen(path: string, take: (socket: Socket) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: false }, (socket) => {
        this.#keep(socket)
        take(socket)
      })
      this.#servers.push(server)
      server.once('error', reject)
      server.listen(path, resolve)
    })
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#sockets.delete(socket))
    if (this.#closed) socket.destroy()
  }

  async #leave(inner: Socket): Promise<void> {
    inner.pause()
    try {
      const { host, port } = this.#options.url
      const outer = await this.#options.dial({ host, port })
      this.#keep(outer)
      this.#dialled = undefined
      inner.once('close', () => outer.destroy())
      outer.once('close', () => inner.destroy())
      inner.pipe(outer)
      outer.pipe(inner)
    } catch (error) {
      this.#dialled = error instanceof Error ? error.message : 'refused'
      inner.destroy()
    }
  }

  /** Resolves when the kept connection stands. */
  async #stand(): Promise<void> {
    if (this.#closed) throw this.#failed('')
    this.#master ??= this.#connect()
    await this.#master.standing
  }

  #connect(): Master {
    rmSync(this.#way.paths.control, { force: true })
    const child = spawn('ssh', [...masterArguments(this.#way.paths)], {
      cwd: '/',
      env: gitEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (said = (said + piece).slice(-STDERR_MAX)))
    const late = setTimeout(() => child.kill('SIGKILL'), this.#options.limits.connectMs)
    const standing = new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        if (!piece.includes(MASTER_SAYS)) return
        clearTimeout(late)
        resolve()
      })
      const gone = (): void => {
        clearTimeout(late)
        if (this.#master?.child === child) this.#master = undefined
        reject(this.#failed(said))
      }
      child.once('error', gone)
      child.once('close', gone)
    })
    standing.catch(() => undefined)
    return { child, standing }
  }

  #failed(said: string): UpstreamFailed {
    return new UpstreamFailed(explain(said, this.#way, this.#dialled))
  }

  /** Killed, it does not take the socket of its successor with it; asked, it may answer at its next sign of life. */
  #hangUp(): void {
    this.#master?.child.kill('SIGKILL')
    this.#master = undefined
    for (const socket of this.#sockets) socket.destroy()
  }
}
