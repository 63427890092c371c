/**
 * The image of a bottle with an agent program, as a cascade: base, the program's files, the user's Dockerfile; or the
 * user's Dockerfile below the program where it begins on another image; of a plug-in whose program is no package the
 * Dockerfile alone. The program's layer is copied, never run; the Dockerfile gets no secret. What the program needs of the image is looked
 * for before it is used. Same inputs, same image: what is there already is only named.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Address } from '../../../model/address.ts'
import { DriverError } from '../../../model/errors.ts'
import { digestOf } from '../../../model/json.ts'
import { LABELS } from '../../../model/names.ts'
import type { DockerfileRecipe, ImageRecipe } from '../../../model/image-recipe.ts'
import type { ProgramRecipe } from '../../../model/provider.ts'
import { safeText } from '../../../model/text.ts'
import type { ImageSpec } from '../../../resources/image/spec.ts'
import type { Engine } from '../calls.ts'
import { DOCKER_LABELS } from '../labels.ts'
import type { Site } from '../place.ts'
import { ensureBaseImage } from './base-image.ts'
import { accountEntries, OF_EVERY_IMAGE, requireComplete, type Need } from './complete.ts'
import { lookInto, type ImageLook } from './look.ts'
import { fetchPackages, type Registry } from './npm-packages.ts'
import { tar, type TarEntry } from './tar.ts'

type AgentSpec = Extract<ImageSpec, { readonly role: 'agent' }>

export interface AgentImageRequest {
  readonly site: Site
  readonly address: Address
  readonly registry: Registry
  readonly spec: AgentSpec
  readonly recipe: ImageRecipe
  readonly progress: (text: string) => void
  readonly signal: AbortSignal
}

/** Where the program's packages lie. Short: a link in an archive has 100 bytes. */
const PROGRAM_FOLDER = '/opt/agent'
const COMMANDS_FOLDER = '/usr/local/bin'

/** Two bottles of one plan may need the same image, or the same layer of it. */
const making = new Map<string, Promise<'present' | 'built'>>()

export function ensureAgentImage(request: AgentImageRequest): Promise<'present' | 'built'> {
  const { site, spec, recipe } = request
  const { engine } = site
  return madeOnce(spec.tag, spec.inputDigest, request, () =>
    onceAtATime(spec.inputDigest, async () => {
      const twin = (await engine.imagesLabelled(LABELS.digest, spec.inputDigest))[0]
      if (twin === undefined) await build(request)
      else await engine.tagImage(twin, spec.tag)
      return recipe.dockerfile || twin === undefined ? 'built' : 'present'
    }),
  )
}

async function build(request: AgentImageRequest): Promise<void> {
  const { spec, recipe, site } = request
  const { engine } = site
  await ensureBase(request)
  const { dockerfile, program } = recipe
  const base = { tag: spec.base, words: spec.baseNamed ? `base image ${spec.base}` : 'the base image' }
  const id = spec.inputDigest.slice(0, 12)
  if (dockerfile && program.packages.length === 0) {
    const whole = `bot-bottle/without_program:${id}`
    await buildDockerfile(request, dockerfile, spec.base, whole)
    await usingUp(engine, whole, async () => {
      const look = await requireWhole(request, { tag: whole, words: madeBy(dockerfile) }, [])
      await layOn(request, whole, accountEntries(look), spec.tag, spec.inputDigest)
    })
  } else if (!dockerfile) {
    await engine.tagImage(await ensureProgramLayer(request, base, spec.inputDigest), spec.tag)
  } else if (dockerfile.onTop) {
    const layer = digestOf({ base: spec.inputs.base, program: spec.inputs.program, lock: spec.inputs.lock })
    const below = await ensureProgramLayer(request, base, layer)
    const unseen = `bot-bottle/above_program:${id}`
    await buildDockerfile(request, dockerfile, below, unseen)
    await usingUp(engine, unseen, async () => {
      await requireWhole(request, { tag: unseen, words: madeBy(dockerfile) }, ['user'])
      await layOn(request, unseen, [], spec.tag, spec.inputDigest)
    })
  } else {
    const below = `bot-bottle/below_program:${id}`
    await buildDockerfile(request, dockerfile, spec.base, below)
    await usingUp(engine, below, async () => {
      const made = { tag: below, words: madeBy(dockerfile) }
      await engine.tagImage(await ensureProgramLayer(request, made, spec.inputDigest), spec.tag)
    })
  }
}

const madeBy = ({ path }: DockerfileRecipe): string => `the image that ${path} makes`

/** What only stood below: its name goes, and with it all that nothing else stands on. */
async function usingUp(engine: Engine, tag: string, use: () => Promise<void>): Promise<void> {
  try {
    await use()
  } finally {
    await engine.removeImage(tag)
  }
}

async function ensureBase({ site, spec, progress, signal }: AgentImageRequest): Promise<void> {
  if (!spec.baseNamed) await ensureBaseImage(site.engine, site.installation, progress, signal)
  else if (!(await site.engine.image(spec.base))) await site.engine.pull(spec.base, progress, signal)
}

/** An image that is there, and what it is called in a sentence. */
interface Below {
  readonly tag: string
  readonly words: string
}

/** Once for each image that is made: only what was looked at gets the label of a digest. */
async function requireWhole(
  { site, recipe, address, progress }: AgentImageRequest,
  { tag, words }: Below,
  more: readonly Need[],
): Promise<ImageLook> {
  const image = await site.engine.image(tag)
  if (image === undefined)
    throw new DriverError(`image ${tag} went away while it was used`, { code: 'image-read-back' })
  progress(`looking at ${words}`)
  const look = await lookInto(site, image, address)
  requireComplete(words, look, [...OF_EVERY_IMAGE, ...(recipe.program.needs ?? []), ...more])
  return look
}

/** Its tag. Shared by every image that stands on it. */
async function ensureProgramLayer(request: AgentImageRequest, below: Below, digest: string): Promise<string> {
  const { site, registry, recipe, progress, signal } = request
  // No definition has `_` in its name.
  const tag = `bot-bottle/program_${recipe.provider}:${digest.slice(0, 12)}`
  await madeOnce(tag, digest, request, () =>
    onceAtATime(tag, async () => {
      const look = await requireWhole(request, below, [])
      const cpu = cpuOf((await site.engine.image(below.tag))?.architecture, recipe.program)
      const folder = await mkdtemp(join(tmpdir(), 'bot-bottle-program-'))
      try {
        const files = await fetchPackages(recipe.program.packages, cpu, folder, registry, progress, signal)
        progress(`laying ${recipe.provider} on ${below.words}`)
        const entries = [...programEntries(recipe.program, files, cpu), ...accountEntries(look)]
        await layOn(request, below.tag, entries, tag, digest)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
      return 'built'
    }),
  )
  return tag
}

/** Where the folders of a context go. */
const PLACES: Readonly<Record<string, string>> = {
  agent: PROGRAM_FOLDER,
  bin: COMMANDS_FOLDER,
  etc: '/etc',
}

/** A build without a command: files by their folder, and the label. */
async function layOn(
  { site, signal, progress }: AgentImageRequest,
  below: string,
  entries: readonly TarEntry[],
  tag: string,
  digest: string,
): Promise<void> {
  const folders = new Set(entries.map(({ path }) => path.split('/', 1)[0] ?? ''))
  // Of a build that is cut short something without a name is left: by these `prune` knows whose it is.
  const marks = `LABEL ${DOCKER_LABELS.part}=stage ${LABELS.installation}=${site.installation}`
  const copied = [...folders].map((folder) => `COPY ${folder}/ ${PLACES[folder]}/`)
  const lines = [`FROM ${below}`, marks, ...copied, '']
  const context = tar([{ path: 'Dockerfile', mode: 0o644, content: lines.join('\n') }, ...entries])
  const labels = labelsOf(digest, site.installation)
  await site.engine.build(context, { tag, labels, arguments: {}, network: 'none', signal }, progress)
}

/** Files of the packages, and a link for each command. Pure. */
export function programEntries(
  { commands }: ProgramRecipe,
  files: readonly TarEntry[],
  cpu: string,
): readonly TarEntry[] {
  const targets = Object.entries(commands).map(
    ([name, target]) => [name, typeof target === 'string' ? target : (target[cpu] ?? '')] as const,
  )
  const programs = new Set(targets.map(([, target]) => target))
  return [
    ...files.map((entry) => ({
      ...entry,
      path: `agent/${entry.path}`,
      ...(programs.has(entry.path) && { mode: 0o755 }),
    })),
    ...targets.map(([name, target]): TarEntry => ({
      path: `bin/${name}`,
      mode: 0o777,
      link: `${PROGRAM_FOLDER}/${target}`,
    })),
  ]
}

async function buildDockerfile(
  { site, progress, signal }: AgentImageRequest,
  dockerfile: DockerfileRecipe,
  base: string,
  tag: string,
): Promise<void> {
  const { text, context, args, network, path } = dockerfile
  const files = context.filter((file) => file.path !== 'Dockerfile')
  const entries: readonly TarEntry[] = [
    { path: 'Dockerfile', mode: 0o644, content: text },
    ...files.map(({ path: inside, mode, file }): TarEntry => ({ path: inside, mode, file })),
  ]
  progress(`building ${path}`)
  const options = {
    tag,
    // Else it had the digest of what it stands on.
    labels: { [LABELS.digest]: '' },
    arguments: { ...args, BOT_BOTTLE_BASE: base },
    network,
    signal,
  }
  try {
    await site.engine.build(tar(entries), options, progress)
  } catch (cause) {
    if (!(cause instanceof DriverError) || cause.code !== 'engine-refused') throw cause
    throw new DriverError(`${safeText(path)} could not be built: ${cause.message}`, {
      code: 'dockerfile-build',
      hint: 'the lines above are those of the build; it sees what `build.context` names and no secret',
      cause,
    })
  }
}

/** An image under the tag with the label of its digest is the image. */
async function madeOnce(
  tag: string,
  digest: string,
  { site: { engine } }: AgentImageRequest,
  make: () => Promise<'present' | 'built'>,
): Promise<'present' | 'built'> {
  const isThere = async (): Promise<boolean> => (await engine.image(tag))?.labels[LABELS.digest] === digest
  if (await isThere()) return 'present'
  const did = await make()
  if (await isThere()) return did
  throw new DriverError(`image ${tag} was built but the engine does not show it with its digest`, {
    code: 'image-read-back',
  })
}

function onceAtATime(key: string, make: () => Promise<'present' | 'built'>): Promise<'present' | 'built'> {
  const running = making.get(key) ?? make().finally(() => making.delete(key))
  making.set(key, running)
  return running
}

const labelsOf = (digest: string, installation: string): Readonly<Record<string, string>> => ({
  [DOCKER_LABELS.part]: 'image',
  [LABELS.digest]: digest,
  [LABELS.installation]: installation,
})

const CPUS: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' }

function cpuOf(architecture: string | undefined, { packages }: ProgramRecipe): string {
  const cpu = CPUS[architecture ?? ''] ?? ''
  if (cpu !== '' && packages.some((one) => one.cpu === undefined || one.cpu === cpu)) return cpu
  throw new DriverError(`the agent program has no build for ${safeText(architecture ?? 'this engine')}`, {
    code: 'program-architecture',
    hint: 'use an engine for amd64 or arm64',
  })
}
