/**
 * What provisioning put into a container's own file system and must not come along: the bottle's environment, its roots,
 * what git was told. Everything of it is made anew in a container that begins from a frozen image. Pure.
 */
import { createHash } from 'node:crypto'
import { GUEST_FILES } from '../../../resources/guest/environment.ts'

/** What becomes of a path. */
export type Fate = 'kept' | 'left-out' | 'own' | 'git' | 'store'

const inside = (path: string): string => path.slice(1)
const OWN_FOLDER = inside(GUEST_FILES.root).replace(/\/[^/]+$/, '')

export const PATHS_OF_GIT = { system: inside(GUEST_FILES.systemGit), image: inside(GUEST_FILES.imageGit) }

/** Where systems keep their authorities, and what provisioning may have added to (sidecars/guest, `trust`). */
const STORES = [
  'etc/ssl/',
  'etc/pki/',
  'etc/ca-certificates/',
  'usr/local/share/ca-certificates/',
  'var/lib/ca-certificates/',
]
/** Of a file of a store, bytes: the helper writes no larger one. */
export const STORE_MAX = 16 * 1024 * 1024

export function fateOf(path: string): Fate {
  if (path === OWN_FOLDER || path.startsWith(`${OWN_FOLDER}/`)) return 'own'
  if (path === PATHS_OF_GIT.system) return 'git'
  // Where the engine says that something is a container, which an image is not.
  if (path === '.dockerenv') return 'left-out'
  return STORES.some((store) => path.startsWith(store)) ? 'store' : 'kept'
}

const MARK = '# bot-bottle root '
const BLOCK = /(?:^|(?<=\n))-----BEGIN CERTIFICATE-----\n[^-]*-----END CERTIFICATE-----\n?/g

/** The text of a store without our roots, and how many those were; every other byte stays. */
export function withoutRoots(text: string): { readonly text: string; readonly roots: number } {
  const marked = new Set([...text.matchAll(/^# bot-bottle root ([0-9a-f]{64})$/gm)].map(([, print]) => print))
  if (marked.size === 0) return { text, roots: 0 }
  const taken: string[] = []
  const bare = text.replace(BLOCK, (block) => {
    const print = fingerprintOf(block)
    if (!marked.has(print)) return block
    taken.push(print)
    return ''
  })
  const lines = bare.split('\n').filter((line) => !taken.some((print) => line === `${MARK}${print}`))
  return { text: lines.join('\n'), roots: taken.length }
}

function fingerprintOf(block: string): string {
  const body = block.replaceAll(/-----[A-Z ]+-----|\s/g, '')
  return createHash('sha256').update(Buffer.from(body, 'base64')).digest('hex')
}
