/** Every live name of one stack and what it means; names are deterministic, so squatters are found without a label. */
import { address, type Address } from '../../model/address.ts'
import { isName, liveNames, LABELS } from '../../model/names.ts'
import { DOCKER_LABELS, PARTS, type Part } from './labels.ts'

export interface Place {
  readonly address: Address
  readonly part: Part
  readonly bottle?: string
}

const SUFFIXES = {
  net: 'holder',
  agent: 'agent',
  bundle: 'bundle',
  work: 'work',
  home: 'home',
  step: 'step',
} as const

/** What a live name of this stack stands for; undefined for every other name. */
export function placeOfName(stack: string, name: string): Place | undefined {
  if (name === liveNames.uplink(stack)) return { address: address.uplink(), part: 'uplink' }
  if (name === liveNames.uplinkSocket(stack)) return { address: address.uplink(), part: 'socket' }
  const prefix = `bb_${stack}_`
  if (name === stepNames.uplink(stack)) return { address: address.uplink(), part: 'step' }
  if (!name.startsWith(prefix)) return undefined
  const [bottle, suffix, ...rest] = name.slice(prefix.length).split('_')
  const part = Object.entries(SUFFIXES).find(([key]) => key === suffix)?.[1]
  if (bottle === undefined || part === undefined || rest.length > 0 || !isName(bottle)) return undefined
  return { address: part === 'bundle' ? address.bundle(bottle) : address.bottle(bottle), part, bottle }
}

/** Containers that are created and removed within one effect; a crash may leave one. */
export const stepNames = {
  bottle: (stack: string, bottle: string) => `bb_${stack}_${bottle}_step`,
  uplink: (stack: string) => `bb_${stack}_uplink_sock_step`,
  image: (stack: string, imageId: string) =>
    `bb_image_${imageId.replace('sha256:', '').slice(0, 12)}_${stack}_step`,
  tools: (volume: string, stack: string) => `${volume}_${stack}_step`,
} as const

/** One per sidecar image, shared by all stacks of an engine. */
export function toolsVolume(sidecarsDigest: string): string {
  return `bb_tools_${sidecarsDigest.slice(0, 12)}`
}

/** The place an object claims by its labels; a renamed one is still found. */
export function placeOfLabels(labels: Readonly<Record<string, string>>): Place | undefined {
  const part = PARTS.find((known) => known === labels[DOCKER_LABELS.part])
  const [kind, bottle] = (labels[LABELS.address] ?? '').split('/')
  if (part === undefined) return undefined
  if (kind === 'uplink') return { address: address.uplink(), part }
  if (bottle === undefined || !isName(bottle)) return undefined
  if (kind === 'bundle') return { address: address.bundle(bottle), part, bottle }
  if (kind === 'bottle') return { address: address.bottle(bottle), part, bottle }
  return undefined
}
