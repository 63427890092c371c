/**
 * What a bottle is given beside its environment: prompt, skills, MCP servers, and where its workspace comes from. Files are read here,
 * once: what a plan says the digest of is what is put into the guest. The workspace itself is read when it is copied.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { isUtf8 } from 'node:buffer'
import { digestOf } from '../model/json.ts'
import type { Place } from '../model/diagnostic.ts'
import type { McpRegistration } from '../model/provider.ts'
import type { SshUrl } from '../model/gate.ts'
import type { BottleSpec } from '../resources/bottle/spec.ts'
import { NEUTRAL_PLACES } from '../resources/guest/places.ts'
import type { GuestPlaces } from '../resources/guest/places.ts'
import type { GuestSpec, OnExit, Provisioned } from '../resources/guest/spec.ts'
import { sshUrlText } from '../resources/remote/narrow.ts'
import { readWhole } from './folder.ts'
import type { BottleMcp } from './mcp.ts'
import { urlOf } from './desired-git.ts'
import { at, entriesOf, entry, scalar, text, texts, type Node } from './node.ts'
import { quoted, type Report } from './report.ts'
import type { LiveBottle } from './resolve.ts'
import { pathFrom } from './secret-ref.ts'
import { readSkill } from './skills.ts'
import type { ReadSkill, Skill, SkillFolder, Unready } from './skills.ts'

export interface ProvisionRequest {
  readonly folderOf: (file: string) => string
  readonly home: string | undefined
  readonly keyedDigest: (value: string) => string
  /** Where skills are, the first that has one wins. */
  readonly skills: readonly SkillFolder[]
  /** Default: the neutral places. */
  readonly placesOf?: (bottle: LiveBottle) => GuestPlaces
  readonly mcpOf?: (bottle: LiveBottle) => BottleMcp | undefined
  readonly report: Report
}

export interface BottleProvisions {
  readonly prompt?: string
  /** Absent: its agent program has no server to be told of. */
  readonly mcp?: McpRegistration
  /** Started by an apply. */
  readonly headless?: { readonly task: string; readonly onExit: OnExit }
  readonly skills: readonly Skill[]
  /** Skills that this host does not have, or that cannot be taken: nothing can be planned until they can. */
  readonly unready: readonly Unready[]
  readonly workspace?: WorkspaceOrigin
  /** What a plan says of them. */
  readonly guest: Pick<GuestSpec, 'prompt' | 'skills' | 'mcp' | 'headless' | 'onExit'>
  readonly bottle: Pick<BottleSpec, 'workspace'>
  readonly places: Readonly<Record<string, Place>>
  /** Absolute paths of what was read. */
  readonly named: readonly string[]
}

export type WorkspaceOrigin =
  | {
      readonly mode: 'copy' | 'clone'
      /** Absolute. */
      readonly source: string
      readonly git: boolean
    }
  /** As the bottle's git knows it. */
  | { readonly mode: 'remote'; readonly url: string }

/** Bytes of a task, as JSON: half of what init reads as one request. */
const TASK_MAX = 32 * 1024
/** Bytes of a prompt. */
const PROMPT_MAX = 1024 * 1024

export function provisionsOf(bottle: LiveBottle, request: ProvisionRequest): BottleProvisions {
  const places = request.placesOf?.(bottle) ?? NEUTRAL_PLACES
  const prompt = promptOf(bottle.tree, request)
  const headless = headlessOf(bottle.tree, request)
  const skills = skillsOf(bottle.tree, places, request)
  const mcp = request.mcpOf?.(bottle)
  const workspace = workspaceOf(bottle.tree, request)
  const taken = skills.flatMap((each) => ('skill' in each ? [each] : []))
  const digests = Object.fromEntries(
    taken.map(({ skill }): [string, Provisioned] => [
      skill.name,
      { path: `${places.skills}/${skill.name}`, digest: request.keyedDigest(digestOfSkill(skill)) },
    ]),
  )
  return {
    ...(prompt && { prompt: prompt.text }),
    ...(mcp && { mcp: mcp.registration }),
    ...(headless && { headless: { task: headless.text, onExit: headless.onExit } }),
    skills: taken.map(({ skill }) => skill),
    unready: skills.flatMap((each) => ('unready' in each ? [each.unready] : [])),
    ...(workspace && { workspace: workspace.origin }),
    guest: {
      ...(prompt && { prompt: { path: places.prompt, digest: request.keyedDigest(prompt.text) } }),
      ...(taken.length > 0 && { skills: digests }),
      ...(mcp && { mcp: mcp.digests }),
      ...(headless && { headless: { digest: request.keyedDigest(headless.text) }, onExit: headless.onExit }),
    },
    bottle: workspace ? { workspace: workspace.spec } : {},
    places: placesIn(bottle.tree),
    named: [
      ...[prompt?.path, headless?.path].flatMap((path) => path ?? []),
      ...taken.flatMap(({ named }) => named),
    ],
  }
}

function placesIn(tree: Node): Readonly<Record<string, Place>> {
  const found = ['prompt', 'skills', 'mcp', 'workspace', 'headless'].flatMap((key) => {
    const place = entry(tree, key)?.place
    return place ? [[key, place] as const] : []
  })
  const servers = entriesOf(at(tree, 'mcp')).map(({ key, place }) => [`mcp.${key}`, place] as const)
  const onExit = at(tree, 'headless', 'on_exit')?.place
  return { ...Object.fromEntries([...found, ...servers]), ...(onExit && { onExit }) }
}

interface WrittenText {
  readonly text: string
  /** Of the file that it is in. */
  readonly path?: string
}

/** Only a provider knows how its program is given a task. */
function headlessOf(
  tree: Node,
  request: ProvisionRequest,
): (WrittenText & { readonly onExit: OnExit }) | undefined {
  const node = at(tree, 'headless')
  if (!node) return undefined
  if (!at(tree, 'agent_provider'))
    request.report.error(
      'headless-without-provider',
      node.place,
      '`headless` starts the program of a provider, and this bottle has none',
      'write `agent_provider: { template: … }`, or leave `headless` out',
    )
  const task = promptOf(node, request)
  const wrong = task && wrongTask(task.text)
  if (wrong !== undefined)
    request.report.error(
      'bad-prompt',
      entry(node, 'prompt')?.place ?? node.place,
      `the task ${wrong}`,
      'say it in short; what is long is the `prompt` of the agent, or a file of the workspace',
    )
  return task && { ...task, onExit: text(at(node, 'on_exit')) === 'restart' ? 'restart' : 'stop' }
}

/** It goes on the command line of the program, in one request to init with everything else of it. */
function wrongTask(task: string): string | undefined {
  if (task.trim() === '') return 'is empty'
  if (task.includes('\0')) return 'has a NUL character, which no command line can hold'
  return Buffer.byteLength(JSON.stringify(task)) > TASK_MAX ? 'is larger than 32 KiB' : undefined
}

function promptOf(tree: Node, { folderOf, home, report }: ProvisionRequest): WrittenText | undefined {
  const written = text(at(tree, 'prompt'))
  if (written !== undefined) return { text: written }
  const file = at(tree, 'prompt', 'file')
  const name = text(file)
  if (!file || name === undefined) return undefined
  const folder = folderOf(file.place.file)
  const path = pathFrom(folder, name, home)
  const refuse = (why: string, hint?: string): undefined =>
    void report.error('bad-prompt', file.place, `the prompt ${quoted(name)} ${why}`, hint)
  if (leadsElsewhere(folder, path)) return refuse('lies behind a link', 'name the file itself')
  try {
    const content = contentOf(path)
    if (content === undefined) return refuse('is no file, or larger than 1 MiB')
    if (!isUtf8(content)) return refuse('is no text in UTF-8')
    return { text: content.toString('utf8'), path }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ELOOP') return refuse('is a link', 'name the file itself')
    return refuse(
      code === 'ENOENT' ? 'is not there' : `cannot be read (${code ?? 'unknown error'})`,
      'relative paths count from the file that says them',
    )
  }
}

function contentOf(path: string): Buffer | undefined {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const about = fstatSync(descriptor)
    return about.isFile() && about.size <= PROMPT_MAX ? readWhole(descriptor, about.size) : undefined
  } finally {
    closeSync(descriptor)
  }
}

/** Below the manifest's folder no link is followed: what lies there may be an agent's. */
function leadsElsewhere(folder: string, path: string): boolean {
  const below = relative(folder, path)
  if (below.startsWith('..') || isAbsolute(below) || !lstatSync(path, { throwIfNoEntry: false })) return false
  return realpathSync(path) !== join(realpathSync(folder), below)
}

function skillsOf(
  tree: Node,
  places: GuestPlaces,
  { skills, home, report }: ProvisionRequest,
): readonly ReadSkill[] {
  const own = places.userSkills
  const folders =
    own === undefined || home === undefined
      ? skills
      : [...skills, { path: join(home, own), shown: `~/${own}` }]
  const wanted = new Map(texts(at(tree, 'skills')).map(({ value, place }) => [value, place]))
  return [...wanted].map(([name, place]) => readSkill(name, place, folders, report))
}

/** Not its times: the same files are the same skill. */
function digestOfSkill({ files }: Skill): string {
  const about = files.map(({ path, mode, content }) => [
    path,
    mode,
    createHash('sha256').update(content).digest('hex'),
  ])
  return digestOf(about)
}

interface WorkspaceSaid {
  readonly origin: WorkspaceOrigin
  readonly spec: NonNullable<BottleSpec['workspace']>
}

function workspaceOf(tree: Node, { folderOf, home, report }: ProvisionRequest): WorkspaceSaid | undefined {
  const node = at(tree, 'workspace', 'source')
  const source = text(node)
  const mode = text(at(tree, 'workspace', 'mode')) ?? 'copy'
  if (!node || source === undefined || (mode !== 'copy' && mode !== 'clone')) return undefined
  if (isUrl(source)) return remoteOf(tree, { source, mode, place: node.place }, report)
  const folder = folderOf(node.place.file)
  const path = pathFrom(folder, source, home)
  if (leadsElsewhere(folder, path))
    report.error(
      'bad-workspace',
      node.place,
      `the workspace source ${quoted(source)} lies behind a link`,
      'name the folder itself',
    )
  const asked = at(tree, 'workspace', 'git')
  const git = mode === 'clone' || (asked !== undefined && scalar(asked) === true)
  return { origin: { mode, source: path, git }, spec: { mode, source, git } }
}

/** A URL is one of a declared remote: the bottle reaches no other repository, and only the gate has its key. */
function remoteOf(
  tree: Node,
  { source, mode, place }: { readonly source: string; readonly mode: string; readonly place: Place },
  report: Report,
): WorkspaceSaid | undefined {
  const url = urlOf(source)
  const declared = entriesOf(at(tree, 'git', 'remotes')).flatMap(
    ({ value }) => urlOf(text(at(value, 'url')) ?? '') ?? [],
  )
  const refuse = (why: string, hint: string): undefined =>
    void report.error('bad-workspace', place, `the workspace source ${quoted(source)} ${why}`, hint)
  const remote = url && declared.find((each) => sameRepository(each, url))
  if (!remote)
    return refuse('is no remote of this bottle', 'declare it under `git.remotes`, or name a folder')
  if (mode === 'copy') return refuse('is a URL, which is cloned', 'write `mode: clone`')
  return { origin: { mode: 'remote', url: sshUrlText(remote) }, spec: { mode: 'clone', source, git: true } }
}

function sameRepository(one: SshUrl, other: SshUrl): boolean {
  const bare = ({ path }: SshUrl): string => path.replace(/^\//, '').replace(/\.git$/, '')
  return (
    one.user === other.user && one.host === other.host && one.port === other.port && bare(one) === bare(other)
  )
}

function isUrl(source: string): boolean {
  return /^[a-z+]+:\/\//.test(source) || /^[^/\s]+@[^/\s]+:/.test(source)
}
