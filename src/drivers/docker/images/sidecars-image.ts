/** Builds the image of supervisor, egress, uplink and the static helper, from an explicit list of files. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DriverError } from '../../../model/errors.ts'
import { LABELS } from '../../../model/names.ts'
import { PATHS } from '../bodies.ts'
import type { Engine } from '../calls.ts'
import { DOCKER_LABELS } from '../labels.ts'
import { ensureBaseImage } from './base-image.ts'
import {
  DAEMON_PROGRAMS,
  GATE_UIDS,
  guestSources,
  isCheckout,
  PROGRAM_ROOT,
  programVersion,
  SHIPPED,
  SNAPSHOT_PROGRAM,
  sidecarInputs,
  sidecarsImage,
} from './inputs.ts'
import { bundleForSnapshot, bundleModules, snapshotSettings } from './programs.ts'
import { tar, type TarEntry } from './tar.ts'

type Progress = (text: string) => void

/** Idempotent: an image under the tag with the label of its digest is the image. */
export async function ensureSidecarsImage(
  engine: Engine,
  installation: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<'present' | 'built'> {
  const { tag, inputDigest, base } = await sidecarsImage()
  const present = await engine.image(tag)
  if (present?.labels[LABELS.digest] === inputDigest) return 'present'
  await ensureBaseImage(engine, installation, progress, signal)
  const labels = {
    [DOCKER_LABELS.part]: 'image',
    [LABELS.address]: 'image/sidecars',
    [LABELS.digest]: inputDigest,
    [LABELS.program]: programVersion(),
    [LABELS.installation]: installation,
  }
  const context = tar(await contextEntries())
  await engine.build(
    context,
    {
      tag,
      labels,
      arguments: { BASE: base, VERSION: programVersion(), GATE_UIDS, INSTALLATION: installation },
      network: 'default',
      signal,
    },
    progress,
  )
  const built = await engine.image(tag)
  if (built?.labels[LABELS.digest] !== inputDigest) {
    throw new DriverError(`image ${tag} was built but the engine does not show it with its digest`, {
      code: 'image-read-back',
    })
  }
  return 'built'
}

/** Same files, same bytes: the context of a checkout is what `npm pack` ships. */
export async function contextEntries(): Promise<readonly TarEntry[]> {
  if (!isCheckout()) {
    return sidecarInputs().map((file): TarEntry => ({
      path: file.slice(SHIPPED.length + 1),
      mode: 0o644,
      file,
    }))
  }
  const bundles = await bundleDaemons()
  return [
    {
      path: 'Dockerfile',
      mode: 0o644,
      content: readFileSync(join(PROGRAM_ROOT, 'sidecars/image/Dockerfile')),
    },
    { path: 'programs/package.json', mode: 0o644, content: '{"type":"module"}' },
    ...[...bundles].map(([name, content]): TarEntry => ({ path: programPath(name), mode: 0o644, content })),
    {
      path: `programs/${SNAPSHOT_PROGRAM}/package.json`,
      mode: 0o644,
      content: '{"type":"commonjs"}',
    },
    {
      path: `programs/${SNAPSHOT_PROGRAM}/snapshot.json`,
      mode: 0o644,
      content: snapshotSettings(`${PATHS.sidecars}/${SNAPSHOT_PROGRAM}/main.js`),
    },
    ...goEntries(join(PROGRAM_ROOT, 'sidecars/guest'), guestSources()),
  ]
}

function goEntries(folder: string, files: readonly string[]): readonly TarEntry[] {
  return files.map((file) => ({ path: `guest/${file.slice(folder.length + 1)}`, mode: 0o644, file }))
}

/** In the context and, below /bb, in the image. */
function programPath(daemon: string): string {
  return `programs/${daemon}/main.js`
}

/** One file per daemon. */
async function bundleDaemons(): Promise<ReadonlyMap<string, string>> {
  const { [SNAPSHOT_PROGRAM]: kept, ...others } = mains()
  const version = programVersion()
  return new Map([
    ...(await bundleModules(others, version)),
    ...(await bundleForSnapshot({ [SNAPSHOT_PROGRAM]: kept }, version)),
  ])
}

function mains(): Readonly<Record<keyof typeof DAEMON_PROGRAMS, string>> {
  const main = (folder: string): string => join(PROGRAM_ROOT, 'sidecars', folder, 'main.ts')
  const { supervisor, egress, uplink, 'git-gate': gate } = DAEMON_PROGRAMS
  return { supervisor: main(supervisor), egress: main(egress), uplink: main(uplink), 'git-gate': main(gate) }
}
