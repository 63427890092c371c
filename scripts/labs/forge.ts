/**
 * A forge as a laboratory: Gitea as an ordinary user on loopback, with its SSH server under a host key of ours, an
 * administrator's token and a private repository that has one commit.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ensurePackages, labsCache, run, say, succeeds } from './cache.ts'
import { giteaFolder, prepareGitea } from './gitea-build.ts'
import { commandLine, endProcess, recordedProcess } from './process.ts'

/** Longest time from start to answer, milliseconds. */
const PATIENCE_MS = 60_000
/** Keys in one page of a list: less than a client asks for, so that lists have pages. */
export const PAGE = 20
const TO_RUN = [
  ['git', ['git', '--version']],
  ['openssh-client', ['ssh', '-V']],
] as const

export interface ForgeLab {
  readonly name: string
  /** URL of the API. */
  readonly api: string
  /** Of its administrator: every scope. */
  readonly token: string
  /** Private, `main` with one commit. */
  readonly repository: string
  readonly ssh: {
    /** `ssh://git@ADDRESS:PORT`; a repository is `/OWNER/NAME.git` below it. */
    readonly url: string
    readonly port: number
    /** `ssh-ed25519 AAAA…`, to be pinned. */
    readonly hostKey: string
  }
  readonly folder: string
}

interface SshPlace {
  readonly address: string
  readonly port: number
}

/** Idempotent. */
export async function prepareForge(): Promise<void> {
  await ensurePackages(TO_RUN)
  await prepareGitea()
}

/** Why it cannot run here; undefined when it can. */
export function forgeMissing(): string | undefined {
  if (!existsSync(giteaFolder())) return `nothing in ${giteaFolder()}; make it with: npm run labs`
  const lacking = TO_RUN.filter(([, probe]) => !succeeds(probe)).map(([name]) => name)
  return lacking.length === 0 ? undefined : `${lacking.join(', ')} missing; install with: npm run labs`
}

/**
 * One that runs already is left as it is. `name` ends in `-PID` where it belongs to one run; `sshAddress` is where its
 * SSH server listens: containers reach that of a bridge, not loopback. The API stays on loopback.
 */
export async function upForge(name: string, sshAddress = '127.0.0.1'): Promise<ForgeLab> {
  const missing = forgeMissing()
  if (missing !== undefined) throw new Error(`no forge here: ${missing}`)
  await endAbandoned()
  const folder = folderOf(name)
  const described = join(folder, 'lab.json')
  if (recorded(folder) !== undefined && existsSync(described)) {
    const lab = JSON.parse(readFileSync(described, 'utf8')) as ForgeLab
    if (await answers(lab.api)) return lab
  }
  await downForge(name)
  const from = performance.now()
  try {
    const lab = await start(name, folder, sshAddress)
    writeFileSync(described, JSON.stringify(lab), { mode: 0o600 })
    say(`${name} answers at ${lab.api} after ${((performance.now() - from) / 1000).toFixed(1)} s`)
    return lab
  } catch (failed) {
    await downForge(name)
    throw failed
  }
}

/** Ends only the process that it started, by id. Idempotent. */
export async function downForge(name: string): Promise<void> {
  const folder = folderOf(name)
  await endProcess(recorded(folder))
  rmSync(folder, { recursive: true, force: true })
}

/** Those whose run was killed before it could take them down. */
async function endAbandoned(): Promise<void> {
  const all = existsSync(folderOf('')) ? readdirSync(folderOf('')) : []
  for (const name of all) {
    const [, pid] = /^forge.*-(\d+)$/.exec(name) ?? []
    if (pid !== undefined && commandLine(Number(pid)) === '') await downForge(name)
  }
}

/** Gitea refuses to be root; what it uses must then lie where another user can reach it, and home folders do not. */
const asRoot = process.getuid?.() === 0
const USER = asRoot ? { name: 'nobody', uid: 65534, gid: 65534 } : undefined

function folderOf(name: string): string {
  return asRoot ? join('/var/lib/bot-bottle-labs', name) : join(labsCache(), 'data', name)
}

const recorded = (folder: string) => recordedProcess(join(folder, 'gitea.pid'), folder)

async function start(name: string, folder: string, sshAddress: string): Promise<ForgeLab> {
  const [port, sshPort] = [await freePort('127.0.0.1'), await freePort(sshAddress)]
  const api = `http://127.0.0.1:${port}/api/v1`
  const hostKey = makeFolder(folder, port, { address: sshAddress, port: sshPort })
  const log = openSync(join(folder, 'gitea.log'), 'a')
  const child = spawn(join(folder, 'gitea'), ['web', '--config', join(folder, 'app.ini')], {
    detached: true,
    stdio: ['ignore', log, log],
    ...asUser(folder),
  })
  child.unref()
  if (child.pid !== undefined) writeFileSync(join(folder, 'gitea.pid'), String(child.pid))
  const end = performance.now() + PATIENCE_MS
  for (let pause = 50; !(await answers(api)); pause = Math.min(pause * 2, 1000)) {
    if (child.exitCode !== null || performance.now() > end) {
      const last = readFileSync(join(folder, 'gitea.log'), 'utf8').trim().split('\n').slice(-15)
      throw new Error(`Gitea does not answer:\n${last.join('\n')}`)
    }
    await wait(pause)
  }
  admin(folder, 'create', '--admin', '--username', 'lab', '--email', 'lab@lab.example', '--random-password', '--must-change-password=false') // prettier-ignore
  const token = admin(folder, 'generate-access-token', '--username', 'lab', '--scopes', 'all', '--raw')
  await makeRepository(api, token, 'app')
  return {
    name,
    api,
    token,
    repository: 'lab/app',
    ssh: { url: `ssh://git@${sshAddress}:${sshPort}`, port: sshPort, hostKey },
    folder,
  }
}

/** A private repository of the administrator's, with one commit on `main`. */
export async function makeRepository(api: string, token: string, name: string): Promise<void> {
  const answer = await fetch(`${api}/user/repos`, {
    method: 'POST',
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name, private: true, auto_init: true, default_branch: 'main' }),
  })
  if (answer.status !== 201) throw new Error(`the repository: ${answer.status} ${await answer.text()}`)
}

/** Everything that is Gitea's; the public line of its host key. */
function makeFolder(folder: string, port: number, ssh: SshPlace): string {
  mkdirSync(join(folder, 'data', 'ssh'), { recursive: true })
  const cached = giteaFolder()
  try {
    linkSync(join(cached, 'gitea'), join(folder, 'gitea'))
  } catch {
    copyFileSync(join(cached, 'gitea'), join(folder, 'gitea'))
  }
  for (const part of ['templates', 'options', 'public'])
    run(['cp', '-R', join(cached, part), join(folder, part)])
  const hostKey = join(folder, 'data', 'ssh', 'host_ed25519')
  run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', hostKey])
  writeFileSync(join(folder, 'app.ini'), settings(folder, port, ssh), { mode: 0o600 })
  if (USER) {
    run(['chown', '-R', `${USER.uid}:${USER.gid}`, join(folder, 'data'), join(folder, 'app.ini')])
    chownSync(folder, USER.uid, USER.gid)
    chmodSync(folder, 0o700)
  }
  return readFileSync(`${hostKey}.pub`, 'utf8').trim()
}

function settings(folder: string, port: number, ssh: SshPlace): string {
  return `RUN_USER = ${USER?.name ?? userInfo().username}
RUN_MODE = prod
WORK_PATH = ${folder}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
STATIC_ROOT_PATH = ${folder}
APP_DATA_PATH = ${folder}/data
OFFLINE_MODE = true
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_DOMAIN = ${ssh.address}
SSH_LISTEN_HOST = ${ssh.address}
SSH_LISTEN_PORT = ${ssh.port}
SSH_PORT = ${ssh.port}
SSH_SERVER_HOST_KEYS = ssh/host_ed25519
[database]
DB_TYPE = sqlite3
PATH = ${folder}/data/gitea.db
SQLITE_JOURNAL_MODE = WAL
[security]
INSTALL_LOCK = true
SECRET_KEY = ${randomBytes(32).toString('hex')}
[service]
DISABLE_REGISTRATION = true
[session]
PROVIDER = memory
[api]
MAX_RESPONSE_ITEMS = ${PAGE}
DEFAULT_PAGING_NUM = ${PAGE}
[indexer]
ISSUE_INDEXER_TYPE = db
[actions]
ENABLED = false
[packages]
ENABLED = false
[cron]
ENABLED = false
[log]
LEVEL = Warn
MODE = console
`
}

function admin(folder: string, ...words: readonly string[]): string {
  const argv = [join(folder, 'gitea'), '--config', join(folder, 'app.ini'), 'admin', 'user', ...words]
  const { env, uid } = asUser(folder)
  return uid === undefined ? run(argv, env) : run(['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...argv], env) // prettier-ignore
}

function asUser(folder: string) {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: join(folder, 'data'),
    USER: USER?.name ?? userInfo().username,
  }
  return { env, cwd: folder, ...(USER && { uid: USER.uid, gid: USER.gid }) }
}

async function answers(api: string): Promise<boolean> {
  try {
    return (await fetch(`${api}/version`)).ok
  } catch {
    return false
  }
}

function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, address, () => {
      const found = server.address()
      server.close(() =>
        typeof found === 'object' && found ? resolve(found.port) : reject(new Error('no port')),
      )
    })
  })
}
