/**
 * The one door into the manifest: files in, desired resources out, or every diagnostic of every file at once. It runs
 * nothing, writes nothing, and reads besides the manifest only the certificates under `uplink.trust`, prompts, skills
 * and git's own files for the origin.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ManifestError, UsageError } from '../model/errors.ts'
import type { Address } from '../model/address.ts'
import type { ImageRecipe } from '../model/image-recipe.ts'
import type { Providers } from '../model/providers.ts'
import type { DriverName } from '../model/resource.ts'
import type { Desired } from '../resources/desired.ts'
import { NEUTRAL_PLACES } from '../resources/guest/places.ts'
import { checkManifest } from './check.ts'
import { checkFindings, type FindingRequest } from './checks/findings.ts'
import { checkForges, type ForgeSource } from './checks/forges.ts'
import { checkPatterns, type Patterns } from './checks/patterns.ts'
import { desiredOf } from './desired.ts'
import { detectorsFor, withDetectors, type DetectorSource } from './detectors.ts'
import { environmentOf } from './environment.ts'
import type { BottleMarks, Derived } from './marks.ts'
import { providersFor } from './known-providers.ts'
import { mcpOf } from './mcp.ts'
import { locateManifest, type ManifestFile } from './locate.ts'
import { made, plain, type MapNode } from './node.ts'
import { originOf } from './origin.ts'
import { PresetFiles, type PresetFolder } from './preset-files.ts'
import { expandPresets } from './presets.ts'
import { provisionsOf } from './provisions.ts'
import type { BottleProvisions, ProvisionRequest } from './provisions.ts'
import { expandProviders, type Provided } from './providers.ts'
import { warnInReach } from './reach.ts'
import { Report } from './report.ts'
import { resolve, type ResolvedManifest } from './resolve.ts'
import { checkSchema } from './schema-errors.ts'
import { applySet, SET_FILE, setAt } from './set.ts'
import { decode, digestOfSource, type Source } from './source.ts'
import { readTrust, trustPaths } from './trust.ts'
import { checkVersion, unite } from './union.ts'
import { readYaml } from './yaml.ts'

export interface Program {
  readonly version: string
  readonly sidecars: { readonly tag: string; readonly inputDigest: string; readonly base: string }
  readonly baseImage: { readonly name: string; readonly inputDigest: string }
}

export interface LoadRequest extends FindingRequest {
  /** Paths, folders or `-`; none: what `locate.ts` finds. */
  readonly files: readonly string[]
  /** `PATH=VALUE` each. */
  readonly sets: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Needed for `-`. */
  readonly stdin?: () => Promise<string>
  /** `--driver`: stands for `defaults.driver`; a bottle's own `driver` wins. */
  readonly driver?: DriverName
  readonly program: Program
  /** Where presets are, after those in `presets/` beside the manifest; the first file of a name wins. */
  readonly presets?: readonly PresetFolder[]
  /** Where skills are, but for a provider's own; the first folder that has one wins. */
  readonly skills?: ProvisionRequest['skills']
  /** What `agent_provider.template` can name. */
  providers(): Promise<Providers>
  /** What `egress.dlp.detectors` can name; asked for only where a bottle names one. */
  detectors(): Promise<DetectorSource>
  /** What `provisioned_key.provider` can name; asked for only where a bottle names one. */
  forges(): Promise<ForgeSource>
  /** Keyed digest for values that must not be shown (env, prompt, skills). */
  readonly keyedDigest: (value: string) => string
  /** What bottles are given beside the manifest, made of a key of this installation. */
  readonly derived: Derived
}

export interface LoadedManifest {
  readonly desired: Desired
  readonly resolved: ResolvedManifest
  readonly sources: readonly { readonly file: string; readonly digest: string }[]
  /** Text of each file by the name its places use, for code frames. */
  readonly texts: ReadonlyMap<string, string>
  /** PEM of the further authorities, in the order of `uplink.trust`. */
  readonly trust: readonly string[]
  /** Absolute paths of what the manifest names beside itself: certificates, presets, prompts, skills and files of secrets. */
  readonly named: readonly string[]
  /** Literals, values of host variables, placeholders and the canary. */
  environment(bottle: string): ReadonlyMap<string, string>
  /** Absent: the bottle has no provider. */
  provided(bottle: string): Provided | undefined
  /** How images that are built here are made. */
  readonly images: ReadonlyMap<Address, ImageRecipe>
  /** Names of the variables that are asked for, and are not in the environment. */
  asked(bottle: string): readonly string[]
  /** Prompt, skills, MCP servers and origin of the workspace; absent: there is no such bottle. */
  provisions(bottle: string): BottleProvisions | undefined
  /** Absent: there is no such bottle. */
  marks(bottle: string): BottleMarks | undefined
}

/** Place of what `--driver` says. */
const DRIVER_PLACE = { file: '--driver', line: 1, column: 1 } as const

/** Throws `ManifestError` with all diagnostics, warnings too, when there is one error; `UsageError` when no file is found. */
export async function loadManifest(request: LoadRequest): Promise<LoadedManifest> {
  const report = new Report()
  const located = await locateManifest(request.files, request.cwd, request.env)
  const sources = await Promise.all(located.map((file) => readSource(file, request)))
  const texts = new Map<string, string>()
  if (request.sets.length > 0) texts.set(SET_FILE, request.sets.join('\n'))
  if (request.driver !== undefined) texts.set(DRIVER_PLACE.file, request.driver)
  const refuse = (): ManifestError => new ManifestError(report.diagnostics, texts)

  const roots = sources.flatMap((source) => readRoot(source, texts, report) ?? [])
  // With a file missing from the picture, "there is no such bottle" would be guesswork.
  if (roots.length < sources.length) throw refuse()
  const root = overlaid(unite(roots, report), request, report)
  const folders = new Map(sources.map(({ file, folder }) => [file, folder]))
  const folderOf = (file: string): string => folders.get(file) ?? request.cwd
  const patterns: Patterns = []
  const presets = new PresetFiles(
    (file) => ({ path: join(folderOf(file), 'presets'), shown: besideOf(file) }),
    request.presets ?? [],
    texts,
    report,
    patterns,
  )
  const written = resolve(root, report)
  const providers = await providersFor(written, request.providers, report)
  checkManifest(written, request, providers, report, patterns)
  const { resolved, provided } = expandProviders(expandPresets(written, presets, report), {
    providers: providers.byName,
    derived: request.derived,
    folderOf,
    home: request.env['HOME'],
    env: request.env,
    read: textIfThere,
    report,
  })
  await checkPatterns(patterns, report)
  const trust = await readTrust(root, folderOf, request.env['HOME'], report)
  await warnInReach(
    resolved,
    [...sources.map(({ path }) => path), ...presets.paths],
    folderOf,
    request.env['HOME'],
    report,
  )
  if (report.errors > 0) throw refuse()
  await checkForges(resolved.live, request.forges, report)
  const detectors = await detectorsFor(resolved.live, request.detectors, report)
  if (report.errors > 0) throw refuse()
  await checkFindings(resolved, detectors, request, report)

  const origin = await originOf(located[0]?.path ?? '-')
  const values = new Map(
    resolved.live.map((bottle) => [
      bottle.name,
      withDetectors(
        environmentOf(
          bottle,
          resolved.stack,
          request.env,
          request.keyedDigest,
          request.derived,
          provided.get(bottle.name),
        ),
        detectors.get(bottle.name),
      ),
    ]),
  )
  const provisions = new Map(
    resolved.live.map((bottle) => [
      bottle.name,
      provisionsOf(bottle, {
        folderOf,
        home: request.env['HOME'],
        keyedDigest: request.keyedDigest,
        skills: request.skills ?? [],
        mcpOf: ({ name, tree }) => {
          const environment = values.get(name)
          return (
            environment &&
            mcpOf(tree, { provided: provided.get(name), environment, keyedDigest: request.keyedDigest })
          )
        },
        placesOf: ({ name }) => provided.get(name)?.contribution.places ?? NEUTRAL_PLACES,
        report,
      }),
    ]),
  )
  const { images, ...desired } = desiredOf({
    resolved,
    origin,
    program: request.program,
    trust,
    folderOf,
    home: request.env['HOME'],
    environments: values,
    provisions,
    provided,
    keyedDigest: request.keyedDigest,
    report,
  })
  if (report.errors > 0) throw refuse()
  return {
    desired: { ...desired, warnings: report.diagnostics },
    resolved,
    sources: sources.map((source) => ({ file: source.file, digest: digestOfSource(source) })),
    texts,
    trust,
    named: [
      ...presets.paths,
      ...trustPaths(root, folderOf, request.env['HOME']),
      ...[...provisions.values()].flatMap(({ named }) => named),
      ...Object.values(desired.secrets).flatMap((ref) =>
        ref.from === 'file' || ref.from === 'login' ? [ref.path] : [],
      ),
    ],
    environment: (bottle) => values.get(bottle)?.values ?? new Map(),
    provided: (bottle) => provided.get(bottle),
    images,
    asked: (bottle) => values.get(bottle)?.asked ?? [],
    provisions: (bottle) => provisions.get(bottle),
    marks: (bottle) => values.get(bottle)?.marks,
  }
}

/** `presets` beside `bottles.yaml`, `team/presets` beside `team/bottles.yaml`. */
const besideOf = (file: string): string => (file.includes('/') ? join(dirname(file), 'presets') : 'presets')

async function readSource({ file, path }: ManifestFile, request: LoadRequest): Promise<Source> {
  if (path === '-') {
    if (!request.stdin) throw new UsageError('standard input cannot be read here', { code: 'no-stdin' })
    return { file, path, folder: request.cwd, bytes: Buffer.from(await request.stdin()) }
  }
  return { file, path, folder: dirname(path), bytes: readManifest(file, path) }
}

/** At once: `node:fs/promises` costs more to load than a manifest to read. */
function readManifest(file: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new UsageError(`manifest ${file} cannot be read (${code})`, { code: 'manifest-unreadable', cause })
  }
}

/** Of a file that a provider names; whoever needs it says why it cannot be read. */
function textIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** One file by itself: text, YAML, version, schema. */
function readRoot(source: Source, texts: Map<string, string>, report: Report): MapNode | undefined {
  const text = decode(source, report)
  texts.set(source.file, text?.text ?? '')
  const root = text && readYaml(text, report)
  if (!root || !checkVersion(root, report)) return undefined
  checkSchema(root, plain(root), report)
  return root
}

function overlaid(united: MapNode, request: LoadRequest, report: Report): MapNode {
  let root = request.sets.reduce(
    (tree, assignment, index) => applySet(tree, assignment, index, report),
    united,
  )
  if (request.sets.length > 0) {
    const isSet = ({ file }: { readonly file: string }): boolean => file === SET_FILE
    checkSchema(root, plain(root), report, isSet)
  }
  if (request.driver !== undefined)
    root = setAt(
      root,
      ['defaults', 'driver'],
      made(request.driver, DRIVER_PLACE),
      DRIVER_PLACE,
      '--driver',
      report,
    )
  return root
}
