/** The image that a bottle stands on: a ready one, the base, or a provider's program on the base with the bottle's Dockerfile, else the plug-in's. */
import { readFileSync } from 'node:fs'
import { address, type Address } from '../model/address.ts'
import type { Place } from '../model/diagnostic.ts'
import { digestOf } from '../model/json.ts'
import type { DockerfileRecipe, ImageRecipe } from '../model/image-recipe.ts'
import type { ProviderOrigin } from '../model/providers.ts'
import type { ImageInputs, ImageSpec } from '../resources/image/spec.ts'
import { buildContext } from './build-context.ts'
import { refusedLines } from './dockerfile.ts'
import type { Program } from './load.ts'
import { at, entriesOf, text, texts, type Node } from './node.ts'
import type { Provided } from './providers.ts'
import { quoted, type Report } from './report.ts'
import type { LiveBottle } from './resolve.ts'
import { pathFrom } from './secret-ref.ts'

export interface DesiredImage {
  readonly address: Address
  readonly spec: ImageSpec
  /** Of an image that is built here. */
  readonly recipe?: ImageRecipe
}

export interface ImageRequest {
  readonly program: Program
  readonly folderOf: (file: string) => string
  readonly home: string | undefined
  readonly report: Report
}

/** Raised when the same inputs make another image. */
const EDITION = 2

export function desiredImage(
  bottle: LiveBottle,
  provided: Provided | undefined,
  request: ImageRequest,
): DesiredImage {
  const { tree, definition } = bottle
  const named = text(at(tree, 'image'))
  if (named !== undefined)
    return {
      address: address.image(named),
      spec: { role: 'named', tag: named, inputDigest: digestOf({ named }) },
    }
  const own = address.image(definition)
  const written = text(at(tree, 'base_image'))
  const { baseImage } = request.program
  const base =
    written === undefined
      ? { tag: baseImage.name, digest: baseImage.inputDigest }
      : { tag: written, digest: digestOf({ named: written }) }
  if (provided)
    return providerImage(own, bottle, provided, { ...base, named: written !== undefined }, request)
  const common = { tag: base.tag, inputDigest: base.digest }
  return {
    address: own,
    spec: written === undefined ? { role: 'base', ...common, base: base.tag } : { role: 'named', ...common },
  }
}

interface Base {
  readonly tag: string
  readonly digest: string
  readonly named: boolean
}

function providerImage(
  own: Address,
  { tree, definition }: LiveBottle,
  { provider, plugin, contribution: { program }, place }: Provided,
  base: Base,
  request: ImageRequest,
): DesiredImage {
  const named = dockerfileIn(at(tree, 'agent_provider'), request) ?? dockerfileOf(plugin, place)
  const dockerfile = named && recipeOf(named, request.report)
  const inputs: ImageInputs = {
    base: short(base.digest),
    program: `${provider.name} ${provider.version}`,
    lock: short(digestOf({ edition: EDITION, ...program })),
    ...(dockerfile && dockerfileInputs(dockerfile)),
  }
  const inputDigest = digestOf(inputs)
  return {
    address: own,
    spec: {
      role: 'agent',
      // A name of the engine has no `+`, and no definition has `_`.
      tag: `bot-bottle/${definition.replaceAll('+', '_')}:${inputDigest.slice(0, 12)}`,
      inputDigest,
      base: base.tag,
      baseNamed: base.named,
      inputs,
    },
    recipe: { provider: provider.name, program, ...(dockerfile && { dockerfile }) },
  }
}

const short = (digest: string): string => digest.slice(0, 12)

function dockerfileInputs({ text: lines, context, args, network }: DockerfileRecipe) {
  const files = context.map(({ path, mode, sha256 }) => [path, mode, sha256])
  return {
    dockerfile: short(digestOf(lines)),
    ...(files.length > 0 && { context: short(digestOf(files)) }),
    ...(Object.keys(args).length > 0 && { args: short(digestOf(args)) }),
    network,
  }
}

/** A Dockerfile that is named, and how it is built. */
interface NamedDockerfile {
  /** As written; of a plug-in, absolute. */
  readonly path: string
  /** Absolute. */
  readonly file: string
  /** Absolute paths. */
  readonly context: readonly string[]
  readonly args: Readonly<Record<string, string>>
  readonly network: 'default' | 'none'
  readonly place: Place
}

/** The bottle's own. */
function dockerfileIn(written: Node | undefined, request: ImageRequest): NamedDockerfile | undefined {
  const node = at(written, 'dockerfile')
  const path = text(node)
  if (!node || path === undefined) return undefined
  const build = at(written, 'build')
  const located = (name: string, file: string): string => pathFrom(request.folderOf(file), name, request.home)
  return {
    path,
    file: located(path, node.place.file),
    context: texts(at(build, 'context')).map(({ value, place }) => located(value, place.file)),
    args: Object.fromEntries(entriesOf(at(build, 'args')).map(({ key, value }) => [key, text(value) ?? ''])),
    network: text(at(build, 'network')) === 'none' ? 'none' : 'default',
    place: node.place,
  }
}

function dockerfileOf(plugin: ProviderOrigin | undefined, place: Place): NamedDockerfile | undefined {
  if (!plugin?.dockerfile) return undefined
  const { path, context, network } = plugin.dockerfile
  return { path, file: path, context, args: {}, network, place }
}

function recipeOf(
  { path, file, context, args, network, place }: NamedDockerfile,
  report: Report,
): DockerfileRecipe | undefined {
  try {
    const lines = readFileSync(file, 'utf8')
    for (const { line, what } of refusedLines(lines))
      report.error(
        'dockerfile-privilege',
        place,
        `line ${line} of ${quoted(path)} asks the build for more than a network and its context: ${quoted(what)}`,
        'copy what it needs with `COPY`; a build gets no secret, no mount of the host and no other frontend',
      )
    return {
      path,
      text: lines,
      context: buildContext(file, context),
      args,
      network,
      onTop: beginsOnBase(lines),
    }
  } catch (cause) {
    const { code = 'unknown error', path: which = file } = cause as NodeJS.ErrnoException
    report.error('dockerfile-unreadable', place, `${quoted(which)} cannot be read (${code})`)
    return undefined
  }
}

/** Its last stage begins on what it is given, directly or through stages before it. */
export function beginsOnBase(dockerfile: string): boolean {
  const stages = [
    ...dockerfile.matchAll(/^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?/gim),
  ].map(([, from = '', name = '']) => ({ from, name: name.toLowerCase() }))
  const given = new Set<string>()
  for (const { from, name } of stages)
    if (/^\$\{?BOT_BOTTLE_BASE\}?$/.test(from) || given.has(from.toLowerCase())) given.add(name)
    else given.delete(name)
  const last = stages.at(-1)
  return (
    last !== undefined && (/^\$\{?BOT_BOTTLE_BASE\}?$/.test(last.from) || given.has(last.from.toLowerCase()))
  )
}
