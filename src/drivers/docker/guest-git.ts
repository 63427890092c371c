/**
 * Git's configuration in an agent container. Git's own file for every user becomes two lines: what the image had
 * there, and after it what is declared. Root's files: the agent lays its own over them and changes none.
 */
import { resolve } from 'node:path/posix'
import { Readable } from 'node:stream'
import { DriverError } from '../../model/errors.ts'
import { GUEST_FILES } from '../../resources/guest/environment.ts'
import { gitConfig, type GuestGit } from '../../resources/guest/git.ts'
import { PATHS } from './bodies.ts'
import type { Engine } from './calls.ts'
import { run } from './exec.ts'
import { helper, ROOT_USER } from './guest-helper.ts'
import { untar } from './images/untar.ts'
import { helperFailed } from './trouble.ts'

const FILES = [GUEST_FILES.git, GUEST_FILES.imageGit, GUEST_FILES.systemGit] as const
/** Of `GUEST_FILES.systemGit`, once it is ours. */
export const SYSTEM = `# Written by bot-bottle: what the image says, and what is declared.
${include(GUEST_FILES.imageGit)}${include(GUEST_FILES.git)}`
/** A look must not wait for a bottle that has no process left to give. */
const STAT_MS = 5_000
/** Of an image's own file, bytes. */
const IMAGE_MAX = 1024 * 1024

interface Stat {
  readonly type: string
  readonly uid?: number
  readonly size?: number
  readonly target?: string
  readonly sha256?: string
}

/** The files as they are, in one word that changes with each of them. */
export async function lookAtGit(engine: Engine, containerId: string): Promise<string> {
  const found = await stats(engine, containerId)
  return found.map(({ type, uid, size, sha256 }) => sha256 ?? `${type}:${uid}:${size}`).join(' ')
}

/** Idempotent; returns what `lookAtGit` finds from now on. */
export async function installGit(engine: Engine, containerId: string, git: GuestGit): Promise<string> {
  const [, kept, system] = await stats(engine, containerId)
  // Kept once: what stands in its place afterwards is ours, or was put there by hand.
  if (kept?.type !== 'file')
    await write(engine, containerId, GUEST_FILES.imageGit, await saidBy(engine, containerId, system))
  await write(engine, containerId, GUEST_FILES.git, gitConfig(git))
  await write(engine, containerId, GUEST_FILES.systemGit, SYSTEM)
  return lookAtGit(engine, containerId)
}

async function saidBy(engine: Engine, containerId: string, system: Stat | undefined): Promise<string> {
  switch (system?.type) {
    case 'absent':
      return ''
    case 'link':
      return include(resolve('/etc', system.target ?? ''))
    case 'file':
      return contentOf(engine, containerId, GUEST_FILES.systemGit)
    default:
      throw new DriverError(`${GUEST_FILES.systemGit} of the image is no file: ${system?.type}`, {
        code: 'git-configuration',
        hint: 'take it out of the image, or make it a file',
      })
  }
}

function include(path: string): string {
  return `[include]\n\tpath = ${path}\n`
}

async function contentOf(engine: Engine, containerId: string, path: string): Promise<string> {
  const argv = [PATHS.guest, 'get', path, '--max-bytes', String(IMAGE_MAX)]
  const asked = { argv, user: ROOT_USER, env: {}, cwd: '/' }
  const { code, stdout, stderr } = await run(engine, containerId, asked)
  const [file] = code === 0 ? await untar(Readable.from([stdout]), 2 * IMAGE_MAX) : []
  if (file) return file.content.toString('utf8')
  throw helperFailed(`read ${path}`, stderr || `exit code ${code}`)
}

/** The helper reads back what it wrote. */
async function write(engine: Engine, containerId: string, path: string, text: string): Promise<void> {
  await helper(engine, containerId, ['write', path, '--mode', '0644', '--parents'], ROOT_USER, text)
}

async function stats(engine: Engine, containerId: string): Promise<readonly Stat[]> {
  const asked = ['stat', '--hash', ...FILES]
  const { stdout } = await helper(engine, containerId, asked, ROOT_USER, '', { limitMs: STAT_MS })
  return JSON.parse(stdout) as readonly Stat[]
}
