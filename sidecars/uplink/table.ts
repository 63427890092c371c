/**
 * What each bottle may dial and what it has open. In memory only: a restarted uplink knows no token, and whoever put
 * them there sees that as drift.
 */
import type { Socket } from 'node:net'
import type { UplinkTarget } from '../../src/model/policy.ts'
import { dialToken, sameToken, tokenDigest } from '../control/token.ts'
import { controls } from './controls.ts'
import { targetFor } from './names.ts'
import type { Standing, StillStands } from './standing.ts'

/** Connections of one bottle while there is room. */
export const BOTTLE_CONNECTIONS = 512
/** Connections of all bottles: two descriptors each, of 16,384. */
export const ALL_CONNECTIONS = 7000
/** Everybody keeps at least this many when there is little room. */
const SHARE_MIN = 32

/** One connection of a bottle, from its admission to its end. */
export interface Passage extends Standing {
  readonly port: number
  state: Standing['state']
  readonly close: () => void
}

export interface BottleEntry {
  readonly name: string
  targets: readonly UplinkTarget[]
  readonly passages: Set<Passage>
  report: Socket | undefined
  token: TokenDigests
}

/** What is kept of a token: the token itself reports and dials, the one derived from it only dials. */
interface TokenDigests {
  readonly whole: Buffer
  readonly derived: Buffer
}

export interface Table {
  readonly bottles: ReadonlyMap<string, BottleEntry>
  attach(name: string, token: string, targets: readonly UplinkTarget[]): void
  /** False: no such bottle. */
  replaceTargets(name: string, targets: readonly UplinkTarget[]): boolean
  detach(name: string): boolean
  /** Closes what the policy of now would not open again. */
  narrowAll(): void
  /** The bottle whose token this is, for this use. */
  owner(token: string, use: 'dial' | 'report'): BottleEntry | undefined
  /** False: the bottle has its share already. */
  admit(entry: BottleEntry, passage: Passage): boolean
  leave(entry: BottleEntry, passage: Passage): void
}

/** `judging` gives the judge of this moment. */
export function createTable(judging: () => StillStands): Table {
  const bottles = new Map<string, BottleEntry>()
  let connections = 0

  function narrow(entry: BottleEntry): void {
    if (!controls.on('narrowing') || entry.passages.size === 0) return
    const stands = judging()
    for (const passage of entry.passages) {
      const target = targetFor(entry.targets, passage.host, passage.port)
      if (target === undefined || !stands(passage, target)) passage.close()
    }
  }

  function share(): number {
    if (connections < ALL_CONNECTIONS / 2) return BOTTLE_CONNECTIONS
    return Math.max(
      SHARE_MIN,
      Math.min(BOTTLE_CONNECTIONS, Math.floor(ALL_CONNECTIONS / Math.max(1, bottles.size))),
    )
  }

  return {
    bottles,
    attach(name, token, targets) {
      const digests = { whole: tokenDigest(token), derived: tokenDigest(dialToken(token)) }
      const entry = bottles.get(name) ?? {
        name,
        targets,
        passages: new Set(),
        report: undefined,
        token: digests,
      }
      // A new token is a new bundle: the old one no longer speaks for the bottle.
      if (!sameToken(entry.token.whole, token)) entry.report?.destroy()
      entry.token = digests
      entry.targets = targets
      bottles.set(name, entry)
      narrow(entry)
    },
    replaceTargets(name, targets) {
      const entry = bottles.get(name)
      if (entry === undefined) return false
      entry.targets = targets
      narrow(entry)
      return true
    },
    detach(name) {
      const entry = bottles.get(name)
      if (entry === undefined) return false
      bottles.delete(name)
      entry.targets = []
      narrow(entry)
      entry.report?.destroy()
      return true
    },
    narrowAll() {
      for (const entry of bottles.values()) narrow(entry)
    },
    owner(token, use) {
      let found: BottleEntry | undefined
      // Every digest is compared, so that time tells nothing about which one was near.
      for (const entry of bottles.values()) if (holds(entry, token, use)) found = entry
      if (found === undefined && !controls.on('token-check')) return bottles.values().next().value
      return found
    },
    admit(entry, passage) {
      if (connections >= ALL_CONNECTIONS) return false
      if (controls.on('fair-share') && entry.passages.size >= share()) return false
      entry.passages.add(passage)
      connections += 1
      return true
    },
    leave(entry, passage) {
      if (entry.passages.delete(passage)) connections -= 1
    },
  }
}

function holds({ token: digests }: BottleEntry, token: string, use: 'dial' | 'report'): boolean {
  const whole = sameToken(digests.whole, token)
  const derived = sameToken(digests.derived, token)
  return whole || (derived && (use === 'dial' || !controls.on('report-token')))
}
