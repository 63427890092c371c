/**
 * What an image has, seen in a container that is created and never started: nothing of the image runs, so that its own
 * word counts for nothing.
 */
import type { Address } from '../../../model/address.ts'
import { DriverError } from '../../../model/errors.ts'
import { stepBody } from '../bodies.ts'
import type { Engine } from '../calls.ts'
import type { InspectedImage } from '../decode.ts'
import { stepNames } from '../engine-names.ts'
import { imagePath } from '../image-defaults.ts'
import { labelsOf } from '../labels.ts'
import { removeContainer, type Site } from '../place.ts'
import { untar } from './untar.ts'

export interface ImageLook {
  /** Empty where there is none. */
  readonly passwd: string
  readonly group: string
  /** `ID` and `ID_LIKE` of its os-release. */
  readonly distributions: readonly string[]
  readonly has: Readonly<Record<'shell' | 'git' | 'node' | 'store' | 'glibc', boolean>>
}

/** Where distributions keep every authority in one file; the helper's `trust` puts the bottle's root there. */
const STORES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/var/lib/ca-certificates/ca-bundle.pem',
  '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
]

/** What the kernel starts a program with that is linked with glibc (psABI of each architecture). */
const GLIBC_LOADERS: Readonly<Record<string, string>> = {
  amd64: '/lib64/ld-linux-x86-64.so.2',
  arm64: '/lib/ld-linux-aarch64.so.1',
}

export async function lookInto(site: Site, image: InspectedImage, of: Address): Promise<ImageLook> {
  const { engine } = site
  const name = stepNames.image(site.stack, image.id)
  // What an interrupted look left.
  await removeContainer(site, name)
  const labels = labelsOf({ ...site, address: of, part: 'step' })
  const { id } = await engine.createContainer(name, stepBody({ image: image.id, labels, volumes: {} }))
  try {
    return await looked(engine, id, image)
  } finally {
    await engine.removeContainer(id)
  }
}

async function looked(engine: Engine, id: string, { env, architecture }: InspectedImage): Promise<ImageLook> {
  const path = imagePath(env)
  const isThere = async (places: readonly string[]): Promise<boolean> => {
    for (const place of places) if ((await engine.linkAt(id, place)).exists) return true
    return false
  }
  const onPath = (program: string): Promise<boolean> =>
    isThere(path.split(':').map((folder) => `${folder.replace(/\/+$/, '')}/${program}`))
  const release =
    (await textAt(engine, id, '/usr/lib/os-release')) || (await textAt(engine, id, '/etc/os-release'))
  return {
    passwd: await textAt(engine, id, '/etc/passwd'),
    group: await textAt(engine, id, '/etc/group'),
    distributions: [...release.matchAll(/^ID(?:_LIKE)?="?([\w .-]*)"?$/gm)].flatMap(([, ids = '']) =>
      ids.split(' '),
    ),
    has: {
      shell: await isThere(['/bin/sh']),
      git: await onPath('git'),
      node: await onPath('node'),
      store: await isThere(STORES),
      glibc: await isThere([GLIBC_LOADERS[architecture] ?? '']),
    },
  }
}

/** Bytes of a file that is read whole. */
const TEXT_MAX = 1024 * 1024

/** Of an ordinary file; empty for anything else. */
async function textAt(engine: Engine, id: string, path: string): Promise<string> {
  const { exists, target } = await engine.linkAt(id, path)
  if (!exists || target !== '') return ''
  const files = await untar(await engine.archive(id, path), TEXT_MAX).catch((cause: unknown) => {
    throw new DriverError(`${path} of an image cannot be read`, { code: 'image-incomplete', cause })
  })
  return files[0]?.content.toString('utf8') ?? ''
}
