/**
 * What the agent owns in its bottle: workspace, prompt, skills. All of it is written as the agent's user by the static
 * helper, which follows no link; what was put there before and is no longer declared is taken away. The agent may have
 * changed what is remembered of that: then it decides only about files of its own.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { buffer, text } from 'node:stream/consumers'
import { equal } from '../../model/json.ts'
import type { Json } from '../../model/json.ts'
import type { Provisions, WorkspaceFiles, WorkspaceMeasure } from '../../ports/materials.ts'
import { AGENT, programEnvironment } from '../../resources/guest/environment.ts'
import { FILLED, PROVISIONED } from '../../resources/guest/places.ts'
import type { GuestSpec } from '../../resources/guest/spec.ts'
import { PATHS } from './bodies.ts'
import { execute, run } from './exec.ts'
import { AGENT_USER, helper } from './guest-helper.ts'
import { untar } from './images/untar.ts'
import type { Site } from './place.ts'
import { helperFailed } from './trouble.ts'

export interface Provisioning {
  readonly site: Site
  readonly containerId: string
  readonly spec: Pick<GuestSpec, 'prompt' | 'skills'>
  readonly given: Provisions
  readonly progress: (text: string) => void
  readonly signal: AbortSignal
}

/** As it stands in `PROVISIONED`. */
interface Remembered {
  readonly prompt?: string
  readonly skills: readonly string[]
  /** `filling`: it was interrupted, and begins again. */
  readonly workspace?: 'filling' | 'filled'
  /** That was checked out when it was filled. */
  readonly commit?: string
}

/** Words on what became of the workspace, where there is something to say. */
export async function provision(provisioning: Provisioning): Promise<string | undefined> {
  const { prompt, skills } = provisioning.spec
  const found = await remembered(provisioning)
  const folders = Object.values(skills ?? {}).map(({ path }) => path)
  // Before it is put there: what an interrupted run left is known to the next.
  const both = await remember(provisioning, found, {
    ...found,
    skills: [...new Set([...found.skills, ...folders])],
  })
  const filled = await fillWorkspace(provisioning, both)
  await putSkills(provisioning, both.skills)
  await putPrompt(provisioning, both.prompt)
  const { workspace, commit } = filled.kept
  await remember(provisioning, both, {
    ...(prompt && { prompt: prompt.path }),
    skills: folders,
    ...(workspace && { workspace }),
    ...(commit !== undefined && { commit }),
  })
  return filled.words
}

const REMEMBERED_MAX = 64 * 1024

async function remembered({ site, containerId }: Provisioning): Promise<Remembered> {
  const { code, stdout } = await run(site.engine, containerId, {
    argv: [PATHS.guest, 'get', PROVISIONED],
    user: AGENT_USER,
    env: {},
    cwd: '/',
  })
  if (code !== 0) return { skills: [] }
  // What is no file of ours any more tells nothing.
  const files = await untar(Readable.from([stdout]), REMEMBERED_MAX).catch(() => [])
  return decoded(files[0]?.content.toString('utf8') ?? '')
}

/** What one call of the helper takes away. */
const SKILLS_MAX = 500

/** The one parse point of what the agent may have rewritten. */
function decoded(json: string): Remembered {
  let found: unknown
  try {
    found = JSON.parse(json)
  } catch {
    return { skills: [] }
  }
  const { prompt, skills, workspace, commit } = Object(found) as Record<string, unknown>
  const isOwn = (path: unknown): path is string =>
    typeof path === 'string' && path.startsWith(`${AGENT.home}/`) && !path.split('/').includes('..')
  return {
    ...(isOwn(prompt) && { prompt }),
    skills: Array.isArray(skills) ? skills.filter(isOwn).slice(0, SKILLS_MAX) : [],
    ...((workspace === 'filling' || workspace === 'filled') && { workspace }),
    ...(typeof commit === 'string' && /^[0-9a-f]{40,64}$/.test(commit) && { commit }),
  }
}

async function remember(
  { site, containerId }: Provisioning,
  before: Remembered,
  now: Remembered,
): Promise<Remembered> {
  if (equal(before as unknown as Json, now as unknown as Json)) return now
  const content = `${JSON.stringify(now)}\n`
  await helper(site.engine, containerId, ['write', PROVISIONED, '--parents'], AGENT_USER, content)
  return now
}

interface Filled {
  readonly kept: Remembered
  readonly words?: string
}

/** Once in the life of the volume, and never over something that is there already. */
async function fillWorkspace(provisioning: Provisioning, before: Remembered): Promise<Filled> {
  const { given, site, containerId } = provisioning
  const { workspace } = given
  if (!workspace || before.workspace === 'filled') return { kept: before }
  if (before.workspace !== 'filling' && !(await isEmpty(provisioning)))
    return { kept: before, words: 'provisioned; the workspace has files and was not filled' }
  const filling = { ...before, workspace: 'filling' } as const
  await remember(provisioning, before, filling)
  const { commit, files } =
    workspace.mode === 'remote'
      ? await cloneRemote(provisioning, workspace.url)
      : await sendWorkspace(provisioning, workspace)
  const listed = await helper(site.engine, containerId, LIST, AGENT_USER, '', FILL)
  await helper(site.engine, containerId, ['write', FILLED, '--parents'], AGENT_USER, listed.stdout, FILL)
  const kept = { ...filling, ...(commit !== undefined && { commit }), workspace: 'filled' } as const
  return {
    kept,
    words: `provisioned, workspace ${files === undefined ? 'cloned' : `of ${files} ${files === 1 ? 'file' : 'files'}`}`,
  }
}

/** The workspace as `changes` looks at it: not the repository. */
const LIST = ['list', AGENT.workspace, '--without', '.git']

/** A workspace of the largest size on a slow disk. */
const FILL = { limitMs: 30 * 60_000 }

async function isEmpty({ site, containerId }: Provisioning): Promise<boolean> {
  const args = ['list', AGENT.workspace, '--max-files', '0']
  const { code } = await helper(site.engine, containerId, args, AGENT_USER, '', { fine: [3] })
  return code === 0
}

interface Arrived {
  readonly commit?: string | undefined
  readonly files?: number
}

async function sendWorkspace(provisioning: Provisioning, workspace: WorkspaceFiles): Promise<Arrived> {
  const measure = workspace.measure()
  const commit = workspace.commit()
  await sendFiles(provisioning, workspace, measure)
  if (workspace.mode === 'clone' && commit !== undefined)
    await git(provisioning, ['reset', '--quiet', '--hard'])
  return { commit, files: measure.files }
}

/** By the bottle's own git, which asks the gate: the host holds no copy and the bottle no key. */
async function cloneRemote(provisioning: Provisioning, url: string): Promise<Arrived> {
  const { site, containerId, progress } = provisioning
  progress('cloning the workspace')
  // What an interrupted clone left; nothing has run here yet.
  const { stdout } = await helper(site.engine, containerId, ['list', AGENT.workspace], AGENT_USER, '', FILL)
  const left = (JSON.parse(stdout) as readonly (readonly [string])[])
    .filter(([path]) => !path.includes('/'))
    .map(([path]) => `${AGENT.workspace}/${path}`)
  if (left.length > 0) await helper(site.engine, containerId, ['remove', ...left], AGENT_USER, '', FILL)
  await git(provisioning, ['clone', '--quiet', '--', url, '.'])
  const head = await git(provisioning, ['rev-parse', '--verify', '--quiet', 'HEAD'], [1])
  return { commit: /^[0-9a-f]{40,64}$/.exec(head.trim())?.[0] }
}

async function sendFiles(
  { site, containerId, progress, signal }: Provisioning,
  workspace: WorkspaceFiles,
  measure: WorkspaceMeasure,
): Promise<void> {
  const execution = await execute(site.engine, containerId, {
    argv: [PATHS.guest, 'put', AGENT.workspace],
    user: AGENT_USER,
    env: {},
    cwd: '/',
    tty: false,
  })
  const abort = (): void => execution.close()
  signal.addEventListener('abort', abort, { once: true })
  try {
    const seen = tenths(measure.bytes, progress)
    const [sent, , complaint, code] = await Promise.allSettled([
      pipeline(workspace.pack(seen), execution.stdin, { signal }),
      text(execution.stdout),
      execution.stderr ? text(execution.stderr) : '',
      execution.exit,
    ])
    signal.throwIfAborted()
    const exit = code.status === 'fulfilled' ? code.value : 1
    if (exit === 0 && sent.status === 'fulfilled') return
    const said = complaint.status === 'fulfilled' ? complaint.value.trim() : ''
    if (said === '' && sent.status === 'rejected') throw sent.reason
    throw helperFailed('fill the workspace', said || `exit code ${exit}`)
  } finally {
    signal.removeEventListener('abort', abort)
    execution.close()
  }
}

/** Below this many bytes nobody waits long enough to ask. */
const QUIET_BYTES = 20_000_000

/** Says how far it is, ten times at most. */
function tenths(bytes: number, progress: (text: string) => void): (more: number) => void {
  let [sent, said] = [0, 0]
  return (more) => {
    sent += more
    const tenth = Math.floor((10 * sent) / Math.max(1, bytes))
    if (bytes < QUIET_BYTES || tenth <= said || tenth > 10) return
    said = tenth
    progress(`filling the workspace: ${tenth * 10} % of ${Math.round(bytes / 1e6)} MB`)
  }
}

/** In the bottle and by its own git: nothing of a repository is ever run on the host. */
async function git(
  { site, containerId, signal }: Provisioning,
  args: readonly string[],
  fine: readonly number[] = [],
): Promise<string> {
  const { code, stdout, stderr } = await run(
    site.engine,
    containerId,
    {
      argv: ['git', ...args],
      user: AGENT_USER,
      env: { ...programEnvironment(), GIT_TERMINAL_PROMPT: '0' },
      cwd: AGENT.workspace,
      ...FILL,
    },
    '',
    signal,
  )
  if (code === 0 || fine.includes(code)) return stdout.toString('utf8')
  const why = code === 127 ? 'the image has no git; a workspace that is copied needs none' : stderr
  throw helperFailed(`fill the workspace (git ${args[0]})`, why || `exit code ${code}`)
}

/** Whole folders: a file that a skill no longer has is gone. */
async function putSkills(
  { site, containerId, spec, given }: Provisioning,
  old: readonly string[],
): Promise<void> {
  if (old.length > 0) await helper(site.engine, containerId, ['remove', ...old], AGENT_USER)
  if (!given.packSkills) return
  // Below the home folder: the helper makes the folders on the way.
  const folderOf = (name: string): string => (spec.skills?.[name]?.path ?? '').slice(AGENT.home.length + 1)
  const archive = await buffer(given.packSkills(folderOf))
  await helper(site.engine, containerId, ['put', AGENT.home], AGENT_USER, archive)
}

async function putPrompt(
  { site, containerId, spec, given }: Provisioning,
  old: string | undefined,
): Promise<void> {
  const path = spec.prompt?.path
  if (old !== undefined && old !== path) await helper(site.engine, containerId, ['remove', old], AGENT_USER)
  if (path === undefined) return
  const content = Buffer.from(given.prompt ?? '')
  await helper(site.engine, containerId, ['write', path, '--parents'], AGENT_USER, content)
}
