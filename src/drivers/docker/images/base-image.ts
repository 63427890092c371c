/** Makes the base image present: pulled, else built on this machine with mmdebstrap. */
import { createReadStream, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DriverError } from '../../../model/errors.ts'
import { LABELS } from '../../../model/names.ts'
import type { Engine } from '../calls.ts'
import { DOCKER_LABELS } from '../labels.ts'
import { PROGRAM_ROOT } from './inputs.ts'
import { baseImage, DEFAULT_BASE, RECIPE } from './recipe.ts'
import { runOnHost } from './host-program.ts'
import { tar, type TarEntry } from './tar.ts'

type Progress = (text: string) => void

/** Longest time that a registry may take to answer before the image is built here, milliseconds. */
const PULL_PATIENCE = 600_000

/** Idempotent. Returns whether something was made. */
export async function ensureBaseImage(
  engine: Engine,
  installation: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<'present' | 'pulled' | 'built'> {
  const { tag } = baseImage()
  if (await engine.image(tag)) return 'present'
  try {
    progress(`pulling ${DEFAULT_BASE}`)
    await engine.pull(DEFAULT_BASE, progress, AbortSignal.any([signal, AbortSignal.timeout(PULL_PATIENCE)]))
    await label(engine, installation, DEFAULT_BASE, [], progress, signal)
    return 'pulled'
  } catch (cause) {
    if (signal.aborted || (cause instanceof DriverError && cause.code === 'disk-full')) throw cause
    progress(
      `${DEFAULT_BASE} cannot be pulled (${cause instanceof Error ? cause.message : String(cause)}): building the base image here`,
    )
    await buildLocally(engine, installation, progress, signal, cause)
    return 'built'
  }
}

async function buildLocally(
  engine: Engine,
  installation: string,
  progress: Progress,
  signal: AbortSignal,
  pulled: unknown,
): Promise<void> {
  const node = hostNode()
  if (
    process.platform !== 'linux' ||
    process.getuid?.() !== 0 ||
    !existsSync('/usr/bin/apt-get') ||
    node === undefined
  ) {
    throw new DriverError(`the base image ${DEFAULT_BASE} can be neither pulled nor built here`, {
      code: 'base-image',
      hint: `docker pull ${DEFAULT_BASE} where a registry answers and docker load it here; building it needs root, apt-get and Node 24 on Linux`,
      cause: pulled,
    })
  }
  const folder = await mkdtemp(join(tmpdir(), 'bot-bottle-base-'))
  try {
    if (!existsSync('/usr/bin/mmdebstrap')) {
      await runOnHost(['apt-get', 'update', '-q'], () => {}, signal)
      await runOnHost(['apt-get', 'install', '-y', '--no-install-recommends', 'mmdebstrap'], progress, signal)
    }
    const rootfs = join(folder, 'rootfs.tar')
    progress(`mmdebstrap ${RECIPE.suite}: ${RECIPE.packages.join(' ')}`)
    await runOnHost(
      ['mmdebstrap', '--variant=minbase', `--include=${RECIPE.packages.join(',')}`, RECIPE.suite, rootfs],
      () => {},
      signal,
    )
    await engine.importImage(createReadStream(rootfs), { reference: 'bot-bottle/base:rootfs' })
    await label(
      engine,
      installation,
      'bot-bottle/base:rootfs',
      [{ path: 'node', mode: 0o755, file: node }],
      progress,
      signal,
    )
    await engine.removeImage('bot-bottle/base:rootfs')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Our tag and labels, the agent's name, and Node where the root file system has none. */
async function label(
  engine: Engine,
  installation: string,
  from: string,
  files: readonly TarEntry[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { tag, inputDigest } = baseImage()
  const dockerfile = [
    `FROM ${from}`,
    ...files.map(({ path }) => `COPY ${path} /usr/local/bin/${path}`),
    `RUN ${RECIPE.account.join(' && ')}`,
    'CMD ["/bin/bash"]',
    '',
  ].join('\n')
  const context = tar([{ path: 'Dockerfile', mode: 0o644, content: dockerfile }, ...files])
  const labels = {
    [DOCKER_LABELS.part]: 'image',
    [LABELS.address]: 'image/base',
    [LABELS.digest]: inputDigest,
    [LABELS.installation]: installation,
  }
  await engine.build(context, { tag, labels, arguments: {}, network: 'none', signal }, progress)
}

/** A Node 24 of this machine that runs in the image: that of this checkout, else the one that runs us. */
function hostNode(): string | undefined {
  const own = join(PROGRAM_ROOT, 'node_modules', 'node', 'bin', 'node')
  const candidates = [own, process.execPath]
  return candidates.find(
    (path) => existsSync(path) && (path === own || process.version.startsWith(`v${RECIPE.node}.`)),
  )
}
