/**
 * The world of the memory driver: what an engine and the daemons on it would hold, as one plain value. Kept in the
 * process, or in a file, so that a test can kill the program and find the world as it left it. For tests only: daemon
 * memory, with the secrets in it, is part of the value.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { EgressConfig, EgressCounters } from '../../model/control.ts'
import type { GateConfig, UpstreamTrouble } from '../../model/gate.ts'
import type { Json } from '../../model/json.ts'
import type { UplinkPolicy, UplinkTarget } from '../../model/policy.ts'
import type { StackRecord } from '../../model/record.ts'
import type { Observed } from '../../model/resource.ts'

export type Fields = Readonly<Record<string, Json>>

export interface LiveImage {
  readonly id: string
  readonly fields: Fields
}

export interface LiveUplink {
  readonly id: string
  readonly installation: string
  fields: Fields
  readonly version: string
  readonly startedAt: string
  policy?: UplinkPolicy
  tables: Record<string, { token: string; targets: readonly UplinkTarget[] }>
}

export interface LiveBottle {
  readonly installation: string
  holder?: { readonly id: string; state: Json }
  agent?: { readonly id: string; fields: Fields; guest?: Fields; gitConfig?: string }
  /** What the two volumes hold: outlives every container. */
  readonly volumes: string
}

export interface LiveBundle {
  readonly id: string
  readonly installation: string
  readonly holderId: string
  fields: Fields
  readonly version: string
  readonly startedAt: string
  /** Memory of the supervisor: gone with the container. */
  config?: EgressConfig
  gate?: GateConfig
  /** Rules of troubles by name of the remote, as its gate tells them. */
  unverified?: Readonly<Record<string, string>>
  /** Absent: nothing went through its doors. */
  counters?: EgressCounters
}

export interface LiveStack {
  uplink?: LiveUplink
  /** In the uplink's volume: outlives its container. */
  record?: StackRecord
  recordDamaged?: boolean
  bottles: Record<string, LiveBottle>
  bundles: Record<string, LiveBundle>
  /** Objects of others that carry one of this stack's names. */
  strangers: Observed[]
}

export interface LiveKey {
  readonly forgeId: string
  readonly title: string
  readonly publicKey: string
  readonly readOnly: boolean
  readonly createdAt: string
}

export interface WorldState {
  engineId: string
  serial: number
  images: Record<string, LiveImage>
  stacks: Record<string, LiveStack>
  /** Deploy keys by URL of the API and repository. */
  forges: Record<string, Record<string, LiveKey[]>>
  /** Hosts whose SSH server takes no key, and by which rule it is told. */
  closedHosts?: Record<string, UpstreamTrouble['rule']>
}

export interface World {
  read(): WorldState
  /** Changes are whole: kept when `change` returns, not at all when it throws. */
  change<T>(change: (state: WorldState) => T): T
  /** Told after each change made in this process; the answer ends it. */
  onChange(listener: () => void): () => void
}

export function memoryWorld(engineId = 'memory-engine'): World {
  let state = emptyWorld(engineId)
  const { tell, onChange } = listeners()
  return {
    read: () => state,
    change(change) {
      const next = structuredClone(state)
      const result = change(next)
      state = next
      tell()
      return result
    },
    onChange,
  }
}

/** The same, kept in a file: another process sees it, and a killed one leaves it whole. */
export function fileWorld(path: string, engineId = 'memory-engine'): World {
  const read = () =>
    existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as WorldState) : emptyWorld(engineId)
  const { tell, onChange } = listeners()
  return {
    read,
    change(change) {
      const next = read()
      const result = change(next)
      writeFileSync(`${path}.new`, JSON.stringify(next))
      renameSync(`${path}.new`, path)
      tell()
      return result
    },
    onChange,
  }
}

function listeners(): { tell: () => void; onChange: World['onChange'] } {
  const all = new Set<() => void>()
  return {
    tell() {
      for (const listener of all) listener()
    },
    onChange(listener) {
      all.add(listener)
      return () => all.delete(listener)
    },
  }
}

export function stackIn(state: WorldState, stack: string): LiveStack {
  return (state.stacks[stack] ??= { bottles: {}, bundles: {}, strangers: [] })
}

export function newId(state: WorldState): string {
  state.serial += 1
  return `m${String(state.serial).padStart(6, '0')}`
}

function emptyWorld(engineId: string): WorldState {
  return { engineId, serial: 0, images: {}, stacks: {}, forges: {} }
}
