/**
 * The image of a bottle with an agent program, as a cascade: base, the program's files, the user's Dockerfile; or the
 * user's Dockerfile below the program where it begins on another image; of a plug-in whose program is no package the
 * Dockerfile alone. The program's layer is copied, never run; the Dockerfile gets no secret. Same inputs, same image: what is there already is only named.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DriverError } from '../../../model/errors.ts'
import { digestOf } from '../../../model/json.ts'
import { LABELS } from '../../../model/names.ts'
import type { DockerfileRecipe, ImageRecipe } from '../../../model/image-recipe.ts'
import type { ProgramRecipe } from '../../../model/provider.ts'
import { safeText } from '../../../model/text.ts'
import type { ImageSpec } from '../../../resources/image/spec.ts'
import type { Engine } from '../calls.ts'
import { DOCKER_LABELS } from '../labels.ts'
import { ensureBaseImage } from './base-image.ts'
import { fetchPackages, type Registry } from './npm-packages.ts'
import { tar, type TarEntry } from './tar.ts'

type AgentSpec = Extract<ImageSpec, { readonly role: 'agent' }>

export interface AgentImageRequest {
  readonly engine: Engine
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
  const { engine, spec, recipe } = request
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
  const { engine, spec, recipe } = request
  await ensureBase(request)
  const { dockerfile, program } = recipe
  if (dockerfile && program.packages.length === 0) {
    await buildDockerfile(request, dockerfile, spec.base, spec.tag, spec.inputDigest)
  } else if (!dockerfile) {
    await engine.tagImage(await ensureProgramLayer(request, spec.base, spec.inputDigest), spec.tag)
  } else if (dockerfile.onTop) {
    const layer = digestOf({ base: spec.inputs.base, program: spec.inputs.program, lock: spec.inputs.lock })
    const below = await ensureProgramLayer(request, spec.base, layer)
    await buildDockerfile(request, dockerfile, below, spec.tag, spec.inputDigest)
  } else {
    const below = `bot-bottle/below_program:${spec.inputDigest.slice(0, 12)}`
    await buildDockerfile(request, dockerfile, spec.base, below, '')
    await engine.tagImage(await ensureProgramLayer(request, below, spec.inputDigest), spec.tag)
    await engine.removeImage(below)
  }
}

async function ensureBase({ engine, spec, progress, signal }: AgentImageRequest): Promise<void> {
  if (!spec.baseNamed) await ensureBaseImage(engine, progress, signal)
  else if (!(await engine.image(spec.base))) await engine.pull(spec.base, progress, signal)
}

/** Its tag. Shared by every image that stands on it. */
async function ensureProgramLayer(request: AgentImageRequest, from: string, digest: string): Promise<string> {
  const { engine, registry, recipe, progress, signal } = request
  // No definition has `_` in its name.
  const tag = `bot-bottle/program_${recipe.provider}:${digest.slice(0, 12)}`
  await madeOnce(tag, digest, request, () =>
    onceAtATime(tag, async () => {
      const cpu = cpuOf((await engine.image(from))?.architecture, recipe.program)
      const folder = await mkdtemp(join(tmpdir(), 'bot-bottle-program-'))
      try {
        const files = await fetchPackages(recipe.program.packages, cpu, folder, registry, progress, signal)
        const lines = [`FROM ${from}`, `COPY agent/ ${PROGRAM_FOLDER}/`, `COPY bin/ ${COMMANDS_FOLDER}/`, '']
        const context = tar([
          { path: 'Dockerfile', mode: 0o644, content: lines.join('\n') },
          ...programEntries(recipe.program, files, cpu),
        ])
        progress(`laying ${recipe.provider} on ${from}`)
        const labels = labelsOf(digest)
        await engine.build(context, { tag, labels, arguments: {}, network: 'none', signal }, progress)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
      return 'built'
    }),
  )
  return tag
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
  { engine, progress, signal }: AgentImageRequest,
  dockerfile: DockerfileRecipe,
  base: string,
  tag: string,
  digest: string,
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
    labels: digest === '' ? {} : labelsOf(digest),
    arguments: { ...args, BOT_BOTTLE_BASE: base },
    network,
    signal,
  }
  try {
    await engine.build(tar(entries), options, progress)
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
  { engine }: AgentImageRequest,
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

const labelsOf = (digest: string): Readonly<Record<string, string>> => ({
  [DOCKER_LABELS.part]: 'image',
  [LABELS.digest]: digest,
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
