/** Environment of one live bottle: values for the guest, digests for the plan. Values leave this module only as a Map. */
import { hostVariable } from './checks/bottle.ts'
import { at, entriesOf, text } from './node.ts'
import type { GuestSpec } from '../resources/guest/spec.ts'
import type { Place } from '../model/diagnostic.ts'
import type { LiveBottle } from './resolve.ts'

export interface BottleEnvironment {
  readonly values: ReadonlyMap<string, string>
  readonly spec: GuestSpec['env']
  readonly places: Readonly<Record<string, Place>>
}

/** A host variable that is not set has no value here; `unsetVariables` names it. */
export function environmentOf(
  bottle: LiveBottle,
  env: Readonly<Record<string, string | undefined>>,
  keyedDigest: (value: string) => string,
): BottleEnvironment {
  const values = new Map<string, string>()
  const spec: Record<string, GuestSpec['env'][string]> = {}
  const places: Record<string, Place> = {}
  for (const { key: name, value } of entriesOf(at(bottle.tree, 'env'))) {
    places[`env.${name}`] = value.place
    const literal = text(value)
    const host = literal === undefined ? undefined : hostVariable(literal)
    const known = host === undefined ? literal : env[host]
    if (known !== undefined) values.set(name, known)
    if (literal === undefined)
      spec[name] = { from: 'placeholder', digest: keyedDigest(`placeholder ${text(at(value, 'env')) ?? ''}`) }
    else if (host === undefined) spec[name] = { from: 'literal', digest: keyedDigest(literal) }
    else spec[name] = { from: 'host', digest: known === undefined ? 'unset' : keyedDigest(known) }
  }
  return { values, spec, places }
}
