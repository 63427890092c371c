/**
 * What the sidecar image is made from, and its input digest: file contents only, so that two checkouts of one commit,
 * and the package made from it, name the same image.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { everyUidOf } from '../uids.ts'
import { baseImage } from './recipe.ts'

/** Programs of the image, each one file: its name there, and the folder of `sidecars` with its `main.ts`. */
export const DAEMON_PROGRAMS = {
  supervisor: 'supervisor',
  egress: 'egress',
  'git-gate': 'gate',
  uplink: 'uplink',
} as const

/** The one that a bottle waits for: the image has it as a snapshot of its heap. */
export const SNAPSHOT_PROGRAM = 'egress' satisfies keyof typeof DAEMON_PROGRAMS

/** First, step and last uid that a git gate may have: ssh works for no user without an entry. */
export const GATE_UIDS = everyUidOf('git-gate').join(' ')

export interface SidecarsImage {
  readonly tag: string
  readonly inputDigest: string
  readonly base: string
}

/** The checkout, or the installed package. */
export const PROGRAM_ROOT = packageRoot(fileURLToPath(import.meta.url))
/** Where `npm pack` puts what an installed package builds the image from. */
export const SHIPPED = join(PROGRAM_ROOT, 'dist', 'sidecars')

/** In the bundled program: the digest of the checkout it was bundled from. */
declare const BOT_BOTTLE_SIDECARS_DIGEST: string | undefined

let known: Promise<SidecarsImage> | undefined

/** Tag and digest of the sidecar image of this program; read once per process. */
export function sidecarsImage(): Promise<SidecarsImage> {
  known ??= Promise.resolve().then(() => {
    const base = baseImage()
    const inputDigest =
      typeof BOT_BOTTLE_SIDECARS_DIGEST === 'string'
        ? BOT_BOTTLE_SIDECARS_DIGEST
        : digestFiles(sidecarInputs(), [`base ${base.tag}`, `gate uids ${GATE_UIDS}`])
    return {
      tag: `bot-bottle/sidecars:${programVersion()}-${inputDigest.slice(0, 12)}`,
      inputDigest,
      base: base.tag,
    }
  })
  return known
}

export function isCheckout(): boolean {
  return existsSync(join(PROGRAM_ROOT, 'sidecars', 'image', 'Dockerfile'))
}

export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(PROGRAM_ROOT, 'package.json'), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version)
  throw new Error(`${PROGRAM_ROOT}/package.json has no version`)
}

/** Sorted, absolute. Everything a bundle can contain or a stage compiles, and how it is bundled; tests and prose are not in it. */
export function sidecarInputs(): readonly string[] {
  if (!isCheckout()) return filesBelow(SHIPPED)
  const folders = ['sidecars', 'src/model'].map((folder) => join(PROGRAM_ROOT, folder))
  const files = folders
    .flatMap(filesBelow)
    .filter(
      (file) =>
        /(\.ts|\.json|\.go|\.s|\.mod|\.sum|Dockerfile)$/.test(file) && !/(\.test\.ts|_test\.go)$/.test(file),
    )
  return [
    ...files,
    join(PROGRAM_ROOT, 'package.json'),
    join(PROGRAM_ROOT, 'src/resources/guest/environment.ts'),
    join(PROGRAM_ROOT, 'src/drivers/docker/images/programs.ts'),
  ].sort()
}

export function guestSources(): readonly string[] {
  return filesBelow(join(PROGRAM_ROOT, 'sidecars', 'guest')).filter(
    (file) => /\.(go|s|mod|sum)$/.test(file) && !file.endsWith('_test.go'),
  )
}

function digestFiles(files: readonly string[], facts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const fact of facts) hash.update(`${fact}\0`)
  for (const file of files) {
    const content = createHash('sha256').update(readFileSync(file)).digest('hex')
    hash.update(`${relative(PROGRAM_ROOT, file).split(sep).join('/')}\0${content}\0`)
  }
  return hash.digest('hex')
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function packageRoot(from: string): string {
  let folder = join(from, '..')
  while (!existsSync(join(folder, 'package.json'))) {
    const above = join(folder, '..')
    if (above === folder) throw new Error(`no package.json above ${from}`)
    folder = above
  }
  return folder
}
