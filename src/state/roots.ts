/**
 * The root CA of each bottle, and while it is renewed the next one: certificate and key in one file of the state
 * folder, 0600; the key never leaves it
 * (contract.md, CA). A file that cannot be read back as a whole counts as lost, and a lost root is made anew.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BottleError, EXIT } from '../model/errors.ts'
import { isName } from '../model/names.ts'
import { createRoot, fingerprintOf } from '../model/x509.ts'
import type { CertificateAndKey } from '../model/x509.ts'
import type { RootState } from '../reconcile/snapshot.ts'
import { stackFolder } from './home.ts'
import type { Home } from './home.ts'
import { ensureFolder, readProtected, syncFolder, writeProtected } from './protected.ts'

export interface Roots {
  /** Makes a new root in place of any there is; durable and read back before it returns. */
  create(bottle: string, days: number, now: string): RootState
  /** Makes the root that is to take over, beside the present one, in place of any there is; durable like `create`. */
  prepare(bottle: string, days: number, now: string): RootState
  /** The one beside becomes the root. Repeatable: without one beside, the present one stays. */
  takeOver(bottle: string): RootState
  nextOf(bottle: string): CertificateAndKey | undefined
  /** Repeatable: a root that is gone already is removed. */
  remove(bottle: string): void
  rootOf(bottle: string): CertificateAndKey | undefined
  /** Every root that is whole, by bottle. */
  rootStates(): readonly RootState[]
}

export interface RootsOptions {
  readonly home: Home
  readonly engineId: string
  readonly stack: string
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export function openRoots({ home, engineId, stack }: RootsOptions): Roots {
  const folder = join(stackFolder(home, engineId, stack), 'keys')
  const fileOf = (bottle: string) => join(folder, `root-${bottle}.pem`)
  const nextFileOf = (bottle: string) => join(folder, `next-${bottle}.pem`)
  const readFrom = (path: string) => {
    const content = readProtected(path)
    return content === undefined ? undefined : whole(content)
  }
  const rootOf = (bottle: string) => readFrom(fileOf(bottle))
  const nextOf = (bottle: string) => readFrom(nextFileOf(bottle))
  const stateOf = (bottle: string, root: CertificateAndKey) => rootState(bottle, root, nextOf(bottle))
  const madeIn = (path: string, bottle: string, days: number, now: string): CertificateAndKey => {
    ensureFolder(folder)
    const start = Date.parse(now)
    const made = createRoot({
      commonName: `bot-bottle ${stack} ${bottle}`,
      // Clocks of guests lag behind.
      notBefore: new Date(start - HOUR_MS),
      notAfter: new Date(start + days * DAY_MS),
    })
    writeProtected(path, `${made.certificate}${made.key}`)
    const readBack = readFrom(path)
    if (readBack && fingerprintOf(readBack.certificate) === fingerprintOf(made.certificate)) return readBack
    throw new BottleError(EXIT.failed, `root of bottle ${bottle} was written and reads back differently`, {
      code: 'root-not-kept',
      hint: 'check the disk that holds the state folder',
    })
  }
  const present = (bottle: string): RootState => {
    const root = rootOf(bottle)
    if (root) return stateOf(bottle, root)
    throw new BottleError(EXIT.failed, `bottle ${bottle} has no root certificate in the state folder`, {
      code: 'root-missing',
      hint: 'run `bot-bottle apply` again: it makes a new one',
    })
  }
  return {
    rootOf,
    nextOf,
    create(bottle, days, now) {
      const made = madeIn(fileOf(bottle), bottle, days, now)
      rmSync(nextFileOf(bottle), { force: true })
      syncFolder(folder)
      return stateOf(bottle, made)
    },
    prepare(bottle, days, now) {
      madeIn(nextFileOf(bottle), bottle, days, now)
      return present(bottle)
    },
    takeOver(bottle) {
      if (nextOf(bottle)) {
        renameSync(nextFileOf(bottle), fileOf(bottle))
        syncFolder(folder)
      }
      return present(bottle)
    },
    remove(bottle) {
      rmSync(nextFileOf(bottle), { force: true })
      rmSync(fileOf(bottle), { force: true })
      ensureFolder(folder)
      syncFolder(folder)
    },
    rootStates() {
      return bottlesIn(folder).flatMap((bottle) => {
        const root = rootOf(bottle)
        return root ? [stateOf(bottle, root)] : []
      })
    },
  }
}

function bottlesIn(folder: string): string[] {
  ensureFolder(folder)
  return readdirSync(folder)
    .map((name) => /^root-(.+)\.pem$/.exec(name)?.[1])
    .filter((bottle): bottle is string => bottle !== undefined && isName(bottle))
    .sort()
}

/** Certificate and key that belong together, or nothing. */
function whole(content: string): CertificateAndKey | undefined {
  const [certificate, key] = ['CERTIFICATE', 'PRIVATE KEY'].map(
    (label) => new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n`).exec(content)?.[0],
  )
  if (certificate === undefined || key === undefined) return undefined
  try {
    const read = new X509Certificate(certificate)
    return read.ca && read.checkPrivateKey(createPrivateKey(key)) ? { certificate, key } : undefined
  } catch {
    return undefined
  }
}

function rootState(
  bottle: string,
  { certificate }: CertificateAndKey,
  next: CertificateAndKey | undefined,
): RootState {
  const read = new X509Certificate(certificate)
  return {
    bottle,
    fingerprint: fingerprintOf(certificate),
    notBefore: new Date(read.validFrom).toISOString(),
    notAfter: new Date(read.validTo).toISOString(),
    ...(next && {
      next: {
        fingerprint: fingerprintOf(next.certificate),
        notAfter: new Date(new X509Certificate(next.certificate).validTo).toISOString(),
      },
    }),
  }
}
