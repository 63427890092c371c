/** Environment of one live bottle: values for the guest, digests for the plan. Values leave this module only as a Map. */
import { hostVariable } from './checks/bottle.ts'
import { canaryOf, placeholderOf } from './marks.ts'
import type { BottleMarks, Derived } from './marks.ts'
import { headerPlaceholders } from './mcp.ts'
import { at, entriesOf, text } from './node.ts'
import { digestOf } from '../model/json.ts'
import type { GuestSpec } from '../resources/guest/spec.ts'
import type { Place } from '../model/diagnostic.ts'
import type { Provided } from './providers.ts'
import type { LiveBottle } from './resolve.ts'

export interface BottleEnvironment {
  readonly values: ReadonlyMap<string, string>
  readonly spec: GuestSpec['env']
  /** Names of variables whose values are asked for when the agent is given them. */
  readonly asked: readonly string[]
  /** Those of the values that egress of the bottle has to know. */
  readonly marks: BottleMarks
  readonly places: Readonly<Record<string, Place>>
}

/** Stands in plans for a provider's variable that no plan names; no variable has a space. */
const HIDDEN = 'provider credential'

/** A host variable that is not set has no value here; `unsetVariables` names it. */
export function environmentOf(
  bottle: LiveBottle,
  stack: string,
  env: Readonly<Record<string, string | undefined>>,
  keyedDigest: (value: string) => string,
  derived: Derived,
  provided?: Provided,
): BottleEnvironment {
  const values = new Map<string, string>()
  const spec: Record<string, GuestSpec['env'][string]> = {}
  const places: Record<string, Place> = {}
  const placeholders: Record<string, string> = {}
  const asked: string[] = []
  // Below the manifest's own: what is not the provider's alone can be said otherwise there.
  for (const [name, value] of Object.entries(provided?.contribution.environment ?? {})) {
    values.set(name, value)
    const isHidden = provided?.provider.hidden.includes(name) === true
    spec[isHidden ? HIDDEN : name] = isHidden
      ? { from: 'program', digest: keyedDigest(digestOf([name, value])) }
      : { from: 'provider', digest: keyedDigest(value) }
    if (provided) places[`env.${isHidden ? HIDDEN : name}`] = provided.place
  }
  if (provided?.placeholder) placeholders[provided.placeholder.secret] = provided.placeholder.value
  for (const { key: name, value } of entriesOf(at(bottle.tree, 'env'))) {
    places[`env.${name}`] = value.place
    const literal = text(value)
    if (literal === undefined) {
      const secret = `env:${text(at(value, 'env')) ?? ''}`
      const placeholder = placeholderOf(derived, stack, bottle.name, secret)
      placeholders[secret] = placeholder
      values.set(name, placeholder)
      spec[name] = { from: 'placeholder', digest: keyedDigest(placeholder) }
      continue
    }
    if (literal === '?') {
      asked.push(name)
      // Nobody knows the value afterwards: it is not compared.
      spec[name] = { from: 'asked', digest: 'not compared' }
      continue
    }
    const host = hostVariable(literal)
    const known = host === undefined ? literal : env[host]
    if (known !== undefined) values.set(name, known)
    if (host === undefined) spec[name] = { from: 'literal', digest: keyedDigest(literal) }
    else spec[name] = { from: 'host', digest: known === undefined ? 'unset' : keyedDigest(known) }
  }
  for (const { secret } of headerPlaceholders(bottle.tree))
    placeholders[secret] = placeholderOf(derived, stack, bottle.name, secret)
  const canary = canaryOf(derived, stack, bottle.name, new Set(Object.keys(spec)))
  values.set(canary.name, canary.value)
  spec[canary.name] = { from: 'program', digest: keyedDigest(canary.value) }
  return { values, spec, asked, places, marks: { placeholders, canary: canary.value } }
}
