/**
 * What a change of one route opens and closes. `narrowed` is what may stay open while closings run before openings
 * (containment.md, rule 14); `widensOnly` says that nothing has to be closed. Unsure counts as closing.
 */
import { canonical, equal } from '../../src/model/json.ts'
import { DLP_DEFAULTS } from '../../src/model/policy.ts'
import type { Dlp, Limits, Match, RoutePolicy, TextMatch } from '../../src/model/policy.ts'

/** Fields that change what happens on a route and not what it reaches. */
const NEUTRAL = ['matches', 'deny', 'protocols', 'auth', 'gated', 'limits', 'dlp', 'from'] as const

/** The part of both routes; `undefined` where they share nothing that could stay open. */
export function narrowed(oldRoute: RoutePolicy, newRoute: RoutePolicy): RoutePolicy | undefined {
  if (!equal(reach(oldRoute), reach(newRoute))) return undefined
  const matches = commonMatches(oldRoute.matches, newRoute.matches)
  const deny = union(oldRoute.deny ?? [], newRoute.deny ?? [])
  const {
    matches: _matches,
    deny: _deny,
    dlp: _dlp,
    limits: _limits,
    protocols: added = [],
    gated: behind = [],
    ...rest
  } = newRoute
  const [dlp, limits] = [stricterDlp(oldRoute.dlp, newRoute.dlp), lower(oldRoute.limits, newRoute.limits)]
  const protocols = added.filter((protocol) => oldRoute.protocols?.includes(protocol))
  const gated = [...new Set([...(oldRoute.gated ?? []), ...behind])].sort()
  return {
    ...rest,
    ...(gated.length > 0 && { gated }),
    ...(matches && { matches }),
    ...(deny.length > 0 && { deny }),
    ...(protocols.length > 0 && { protocols }),
    ...(dlp && { dlp }),
    ...(limits && { limits }),
  }
}

/** Whether the new route allows all that the old one did. */
export function widensOnly(oldRoute: RoutePolicy, newRoute: RoutePolicy): boolean {
  return (
    equal(reach(oldRoute), reach(newRoute)) &&
    containsAll(oldRoute.deny ?? [], newRoute.deny ?? []) &&
    equal(stricterDlp(oldRoute.dlp, newRoute.dlp), oldRoute.dlp) &&
    equal(lower(oldRoute.limits, newRoute.limits), oldRoute.limits) &&
    (newRoute.gated ?? []).every((repository) => oldRoute.gated?.includes(repository)) &&
    (oldRoute.protocols ?? []).every((protocol) => newRoute.protocols?.includes(protocol)) &&
    (newRoute.matches === undefined ||
      (oldRoute.matches !== undefined && oldRoute.matches.every(coveredBy(newRoute.matches))))
  )
}

function reach(route: RoutePolicy): unknown {
  return Object.fromEntries(
    Object.entries(route).filter(([field]) => !(NEUTRAL as readonly string[]).includes(field)),
  )
}

/** The stricter first. */
const STRICTNESS = {
  outboundOnMatch: ['block', 'redact', 'supervise'],
  inbound: ['block', 'warn', 'off'],
  uninspectable: ['block', 'allow'],
} as const satisfies {
  readonly [Field in Exclude<keyof Dlp, 'accepted' | 'personal'>]: readonly Dlp[Field][]
}

/** What neither lets out; said as one of the two says it where it is the same. */
function stricterDlp(a: Dlp | undefined, b: Dlp | undefined): Dlp | undefined {
  const [one, other] = [a ?? DLP_DEFAULTS, b ?? DLP_DEFAULTS]
  const first = <Value>(order: readonly Value[], left: Value, right: Value): Value =>
    order.indexOf(left) <= order.indexOf(right) ? left : right
  const accepted = (one.accepted ?? []).filter((finding) =>
    other.accepted?.some((same) => equal(same, finding)),
  )
  const both: Dlp = {
    outboundOnMatch: first(STRICTNESS.outboundOnMatch, one.outboundOnMatch, other.outboundOnMatch),
    inbound: first<Dlp['inbound']>(STRICTNESS.inbound, one.inbound, other.inbound),
    uninspectable: first(STRICTNESS.uninspectable, one.uninspectable, other.uninspectable),
    ...((one.personal === true || other.personal === true) && { personal: true }),
    ...(accepted.length > 0 && { accepted }),
  }
  return equal(both, one) ? a : equal(both, other) ? b : both
}

function lower(a: Limits | undefined, b: Limits | undefined): Limits | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])] as (keyof Limits)[]
  return Object.fromEntries(names.map((name) => [name, Math.min(a[name] ?? Infinity, b[name] ?? Infinity)]))
}

/** What each allows and the other covers; a route without `matches` allows every request, so the other's entries are the common part. */
function commonMatches(
  a: readonly Match[] | undefined,
  b: readonly Match[] | undefined,
): readonly Match[] | undefined {
  if (a === undefined) return b
  if (b === undefined) return a
  return union(a.filter(coveredBy(b)), b.filter(coveredBy(a)))
}

function coveredBy(matches: readonly Match[]): (match: Match) => boolean {
  return (match) => matches.some((other) => covers(other, match))
}

/** Whether one entry surely allows all that the other does; in doubt it does not. */
function covers(wide: Match, match: Match): boolean {
  return (
    (wide.methods === undefined ||
      match.methods?.every((method) => wide.methods?.includes(method)) === true) &&
    (wide.paths === undefined ||
      match.paths?.every((path) => wide.paths?.some((other) => coversText(other, path))) === true) &&
    coversEach(wide.headers, match.headers) &&
    coversEach(wide.query, match.query)
  )
}

function coversEach(wide: Match['headers'] = {}, match: Match['headers'] = {}): boolean {
  return Object.entries(wide).every(([name, text]) => {
    const other = Object.hasOwn(match, name) ? match[name] : undefined
    return other !== undefined && coversText(text, other)
  })
}

function coversText(wide: TextMatch, text: TextMatch): boolean {
  if (canonical(wide) === canonical(text)) return true
  if (!('prefix' in wide)) return false
  const begins = 'prefix' in text ? text.prefix : 'exact' in text ? text.exact : undefined
  return begins?.startsWith(wide.prefix) === true
}

function union(a: readonly Match[], b: readonly Match[]): readonly Match[] {
  const known = new Set(a.map(canonical))
  return [...a, ...b.filter((match) => !known.has(canonical(match)))]
}

function containsAll(whole: readonly Match[], part: readonly Match[]): boolean {
  const known = new Set(whole.map(canonical))
  return part.every((match) => known.has(canonical(match)))
}
