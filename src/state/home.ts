/**
 * The program's own folder: where it is, whose it is, and the id of this installation (contract.md, State).
 * `$BOT_BOTTLE_HOME`, else `~/.bot-bottle`; 0700; a foreign owner or a wider mode is refused.
 */
import { createHash, randomBytes } from 'node:crypto'
import { isAbsolute, join, resolve } from 'node:path'
import { RefusedError, UsageError } from '../model/errors.ts'
import { ensureFolder, keptOnce } from './protected.ts'

export interface Home {
  readonly dir: string
  /** Random, made once: tells the objects of two machines apart. */
  readonly installation: string
}

export interface HomeOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** `--state-dir`; wins over the environment. */
  readonly stateDir?: string
}

export function openHome({ env, stateDir }: HomeOptions): Home {
  const dir = homeFolder(env, stateDir)
  ensureFolder(dir)
  return { dir, installation: installationOf(dir) }
}

/** Folder of one stack on one engine, created where it is missing. */
export function stackFolder(home: Home, engineId: string, stack: string): string {
  const stacks = join(home.dir, 'stacks')
  const engine = join(stacks, engineFolder(engineId))
  const folder = join(engine, stack)
  for (const path of [stacks, engine, folder]) ensureFolder(path)
  return folder
}

/** An engine id as a folder name: ids may hold `:` or be paths. */
export function engineFolder(engineId: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(engineId)) return engineId
  const readable = engineId.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '')
  return `${readable.slice(0, 60)}-${createHash('sha256').update(engineId).digest('hex').slice(0, 12)}`
}

function homeFolder(env: HomeOptions['env'], stateDir: string | undefined): string {
  if (stateDir) return resolve(stateDir)
  const named = env['BOT_BOTTLE_HOME']
  if (named) return resolve(named)
  const user = env['HOME']
  if (user && isAbsolute(user)) return join(user, '.bot-bottle')
  throw new UsageError('no folder for state: neither BOT_BOTTLE_HOME nor HOME is set', {
    code: 'no-home',
    hint: 'set BOT_BOTTLE_HOME to a folder of yours, or pass --state-dir',
  })
}

const INSTALLATION = /^[0-9a-f]{16}$/

function installationOf(dir: string): string {
  const path = join(dir, 'installation')
  const id = keptOnce(path, () => `${randomBytes(8).toString('hex')}\n`).trim()
  if (INSTALLATION.test(id)) return id
  throw new RefusedError(`${path} does not hold an installation id`, {
    code: 'installation-damaged',
    hint: 'restore it from a backup; a new id would make every live bottle look like somebody else’s',
  })
}
