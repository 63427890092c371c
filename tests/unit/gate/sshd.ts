/** A real OpenSSH server on loopback with its own keys, and bare repositories behind it. */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path))

/** Why the tests that need one cannot run here. */
export const noSshd =
  SSHD === undefined ? 'no sshd on this machine: apt-get install openssh-server' : undefined

export type KeyType = 'ed25519' | 'ecdsa' | 'rsa'

export function makeKey(
  file: string,
  type: KeyType = 'ed25519',
): { readonly secret: string; readonly line: string } {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', file])
  return {
    secret: readFileSync(file, 'utf8'),
    line: readFileSync(`${file}.pub`, 'utf8').trim(),
  }
}

export class Sshd {
  readonly port: number
  readonly user = userInfo().username
  readonly hostKey: string
  readonly #folder: string
  readonly #child: ChildProcess
  #said = ''

  private constructor(folder: string, port: number, hostKey: string, child: ChildProcess) {
    this.#folder = folder
    this.port = port
    this.hostKey = hostKey
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
  }

  /** Its log: who came, with which key. */
  get said(): string {
    return this.#said
  }

  static async start(folder: string, hostKeyType: KeyType = 'ed25519', address = '127.0.0.1'): Promise<Sshd> {
    if (SSHD === undefined) throw new Error(noSshd)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
    const key = makeKey(join(folder, 'host'), hostKeyType)
    writeFileSync(join(folder, 'authorized'), '')
    const port = await freePort(address)
    // oxfmt-ignore
    const config = [
      `Port ${port}`, `ListenAddress ${address}`, `HostKey ${join(folder, 'host')}`, 'PidFile none', 'UsePAM no',
      `AuthorizedKeysFile ${join(folder, 'authorized')}`, 'StrictModes no', 'PermitRootLogin yes',
      'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'AcceptEnv GIT_PROTOCOL', 'LogLevel VERBOSE',
      'MaxStartups 100', 'PrintMotd no', 'Subsystem sftp internal-sftp',
    ]
    writeFileSync(join(folder, 'config'), `${config.join('\n')}\n`)
    const child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await answering(port, address)
    return new Sshd(folder, port, key.line, child)
  }

  /** `command`: run in place of what the client asks for, which is in `$SSH_ORIGINAL_COMMAND`. */
  allow(publicLine: string, command?: string): void {
    const options = command === undefined ? '' : `command="${command}" `
    writeFileSync(join(this.#folder, 'authorized'), `${options}${publicLine}\n`, { flag: 'a' })
  }

  forbidAll(): void {
    writeFileSync(join(this.#folder, 'authorized'), '')
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null) return resolve()
      this.#child.once('exit', () => resolve())
      this.#child.kill('SIGTERM')
    })
  }
}

function freePort(address: string): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, address, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

async function answering(port: number, host: string): Promise<void> {
  for (const began = Date.now(); Date.now() - began < 15_000;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host })
      socket.once('error', () => resolve(false))
      socket.once('data', () => {
        socket.destroy()
        resolve(true)
      })
    })
    if (isThere) return
  }
  throw new Error('sshd does not answer')
}
