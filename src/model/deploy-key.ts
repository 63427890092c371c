/**
 * How a deploy key of ours is known at a forge (contract.md, Several machines): by its title
 * `bot-bottle <installation> <stack> <address> <id>`, also without any local state. A title that says less, more or
 * anything else is not ours.
 */
import { createHash } from 'node:crypto'
import { parseAddress } from './address.ts'
import type { Address } from './address.ts'
import { isName } from './names.ts'

export interface KeyMark {
  /** 16 hex digits. */
  readonly installation: string
  readonly stack: string
  /** `key/BOTTLE/REMOTE`. */
  readonly address: Address
  /** Of this one key; see `keyId`. */
  readonly id: string
}

/** What a forge lists is never longer; GitLab and Gitea keep 255 characters. */
export const TITLE_MAX = 255

/**
 * Six hex digits of the engine, ten that are random: one installation may run stacks of one name on two engines, each
 * with a state of its own, and none must take the other's keys for its own leftovers.
 */
export function keyId(engineId: string, random: Uint8Array): string {
  return `${engineTag(engineId)}${Buffer.from(random).toString('hex').slice(0, 10)}`
}

export function isOfEngine(id: string, engineId: string): boolean {
  return id.startsWith(engineTag(engineId))
}

function engineTag(engineId: string): string {
  return createHash('sha256').update(engineId).digest('hex').slice(0, 6)
}

export function keyTitle({ installation, stack, address, id }: KeyMark): string {
  return `bot-bottle ${installation} ${stack} ${address} ${id}`
}

/** `undefined`: not a title of this program, whoever's key it is. */
export function parseKeyTitle(title: string): KeyMark | undefined {
  if (title.length > TITLE_MAX) return undefined
  const [program, installation = '', stack = '', written = '', id = '', ...more] = title.split(' ')
  const parsed = parseAddress(written)
  if (program !== 'bot-bottle' || more.length > 0 || parsed?.parts.kind !== 'key') return undefined
  const named = isName(stack) && isName(parsed.parts.name)
  if (!named || !/^[0-9a-f]{16}$/.test(installation) || !/^[0-9a-f]{16}$/.test(id)) return undefined
  return { installation, stack, address: parsed.address, id }
}
