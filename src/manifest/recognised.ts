/** What egress of each bottle is to recognise: the marks of its own agent, and what the other bottles of the stack hold. */
import { knownMarks, knownValues } from '../model/known.ts'
import { secretsOf } from '../model/policy.ts'
import type { Resource } from '../model/resource.ts'
import { foreignSecrets } from '../resources/bundle/foreign.ts'
import type { BundleSpec } from '../resources/bundle/spec.ts'
import type { RouteSpec } from '../resources/route/spec.ts'
import type { BottleEnvironment } from './environment.ts'
import { headerPlaceholders } from './mcp.ts'
import { at, entriesOf, text, type Node } from './node.ts'
import { quoted, type Report } from './report.ts'

/** What egress of a bottle recognises, with what the other bottles hold: known when all of them are. */
export function withKnown(
  bundle: Resource,
  declared: readonly Resource[],
  environments: ReadonlyMap<string, BottleEnvironment>,
): Resource {
  const bottle = bundle.bottle ?? ''
  const placeholders = [...environments]
    .filter(([other]) => other !== bottle)
    .flatMap(([other, { marks }]) =>
      Object.entries(marks.placeholders).map(([id, text]) => [`${other} ${id}`, text]),
    )
  const others = { key: '', placeholders: Object.fromEntries(placeholders), values: {} }
  const knows = {
    ...knownMarks({ ...environments.get(bottle)?.marks, others }),
    ...knownValues(foreignSecrets(declared, bottle)),
  }
  return { ...bundle, spec: { ...(bundle.spec as BundleSpec), knows } }
}

/** A placeholder that no route takes gets nobody anywhere. */
export function warnUnbound(bottle: Node, routes: readonly Resource[], report: Report): void {
  const carried = new Set(routes.flatMap(({ spec }) => secretsOf((spec as RouteSpec).auth)))
  const headers = headerPlaceholders(bottle).map(({ header }) => header)
  for (const { key: name, value } of [...entriesOf(at(bottle, 'env')), ...headers]) {
    const variable = text(at(value, 'env'))
    if (variable === undefined || carried.has(`env:${variable}`)) continue
    report.warning(
      'placeholder-without-route',
      value.place,
      `no route carries the value of ${quoted(variable)}: the placeholder in ${quoted(name)} is refused wherever it is sent`,
      `a route with \`auth: { scheme: bearer, token_ref: ${variable} }\` does`,
    )
  }
}
