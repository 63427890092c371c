/** The kinds that can be planned now, by name. The one place a new kind is added. */
import type { Kind } from '../model/address.ts'
import { bottle } from './bottle/index.ts'
import { bundle } from './bundle/index.ts'
import { ca } from './ca/index.ts'
import { guest } from './guest/index.ts'
import { image } from './image/index.ts'
import { key } from './key/index.ts'
import type { KindDefinition } from './kind.ts'
import { remote } from './remote/index.ts'
import { route } from './route/index.ts'
import { uplink } from './uplink/index.ts'

const definitions = [image, uplink, ca, bottle, bundle, key, route, remote, guest] as const

export const PLANNED_KINDS: readonly Kind[] = definitions.map((definition) => definition.kind)

const byKind = new Map<Kind, KindDefinition>(
  definitions.map((definition) => [definition.kind, definition as KindDefinition]),
)

/** Undefined for a kind this program cannot plan; callers refuse by name instead of guessing. */
export function definitionOf(kind: Kind): KindDefinition | undefined {
  return byKind.get(kind)
}
