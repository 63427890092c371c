/**
 * The tripwire: a bottle has no link but `lo`. `/proc/net/dev` is read once a second; the static helper, where there is
 * one, tells at once. Whoever attaches a network to the namespace (topology-attack L2, L3) finds the doors closed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { lineReader } from '../control/lines.ts'

const INTERVAL_MS = 1000
/** `nobody`: the helper needs no right at all. */
const HELPER_UID = 65_534
/**
 * Devices that some kernels put into every new namespace (net.core.fb_tunnels_only_for_init_net=0). They are down, and
 * nobody in a bottle can bring them up; one that is up counts as a link.
 */
const FALLBACK_TUNNELS = new Set([
  'tunl0',
  'gre0',
  'gretap0',
  'erspan0',
  'ip_vti0',
  'ip6_vti0',
  'sit0',
  'ip6tnl0',
  'ip6gre0',
])
const IFF_UP = 1

export interface LinkWatch {
  /** As seen last. */
  links(): readonly string[]
  stop(): void
}

/** Calls back at each sight of links that do not belong there. An unreadable list is one. */
export function watchLinks(helper: string, onForeign: (links: readonly string[]) => void): LinkWatch {
  let seen: readonly string[] = []
  const look = (): void => {
    seen = readLinks()
    if (foreign(seen).length > 0 || seen.length === 0) onForeign(seen)
  }
  look()
  const timer = setInterval(look, INTERVAL_MS)
  const child = startHelper(helper, look)
  return {
    links: () => seen,
    stop() {
      clearInterval(timer)
      child?.kill('SIGKILL')
    },
  }
}

/** Names in `/proc/net/dev`, without tunnels that are down; empty when it cannot be read. */
function readLinks(): readonly string[] {
  try {
    return linkNames(readFileSync('/proc/net/dev', 'utf8')).filter(
      (name) => !(FALLBACK_TUNNELS.has(name) && isDown(name)),
    )
  } catch {
    return []
  }
}

/** Two lines of headings, then `name: counters`. */
export function linkNames(table: string): readonly string[] {
  return table
    .split('\n')
    .slice(2)
    .flatMap((line) => /^\s*([^\s:]+(?::\d+)?):/.exec(line)?.[1] ?? [])
}

export function foreign(links: readonly string[]): readonly string[] {
  return links.filter((name) => name !== 'lo')
}

function isDown(name: string): boolean {
  try {
    return (Number.parseInt(readFileSync(`/sys/class/net/${name}/flags`, 'utf8'), 16) & IFF_UP) === 0
  } catch {
    return false
  }
}

/** Any word of the helper is a reason to look; what it says is not believed, so it cannot say anything wrong. */
function startHelper(path: string, look: () => void): ChildProcess | undefined {
  if (!existsSync(path)) return undefined
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
  const child = spawn(path, ['watch-links'], { uid: HELPER_UID, gid: HELPER_UID, cwd: '/', env: {}, stdio })
  const reader = lineReader(65_536, look)
  child.stdout.on('data', (chunk: Buffer) => {
    if (!reader.push(chunk)) child.kill('SIGKILL')
  })
  child.on('error', () => undefined)
  return child
}
