/** One route of a manifest as the policy that egress and uplink enforce: canonical, with every default filled in. */
import { address } from '../model/address.ts'
import type { Place } from '../model/diagnostic.ts'
import type { Json } from '../model/json.ts'
import { DLP_DEFAULTS } from '../model/policy.ts'
import type { AcceptedFinding, Auth, Dlp, Limits, Match, TextMatch } from '../model/policy.ts'
import { coversHost } from '../resources/route/narrow.ts'
import type { RouteSpec } from '../resources/route/spec.ts'
import type { Gated } from './desired-git.ts'
import { readHost } from './hosts.ts'
import type { Auth as WrittenAuth, Match as WrittenMatch, Route, TextOrMatch } from './manifest.generated.ts'
import { at, plain, type Node } from './node.ts'
import { bytesOf, millisecondsOf, perSecondOf } from './quantities.ts'
import { secretOf, type NamedSecret } from './secret-ref.ts'

export interface DesiredRoute {
  readonly spec: RouteSpec
  /** What its credential is made of. */
  readonly secrets: readonly WrittenSecret[]
  readonly places: Readonly<Record<string, Place>>
}

/** A secret, and the key of `auth` that names it. */
export interface WrittenSecret {
  readonly key: (typeof SECRET_KEYS)[number]
  readonly secret: NamedSecret
}

const SECRET_KEYS = ['token_ref', 'access_key_ref', 'secret_key_ref', 'session_token_ref'] as const

/** `node` passed every check; presets are expanded. `asked` is where the manifest asked for the preset that brings it. */
export function desiredRoute(
  node: Node,
  asked: Place | undefined,
  bottle: string,
  folderOf: (file: string) => string,
  home: string | undefined,
  { accepted, personal, gated }: BottleRules,
): DesiredRoute | undefined {
  const route = plain(node) as unknown as Route
  const reading = readHost(route.host ?? '')
  if (!('host' in reading)) return undefined
  const scheme = route.scheme ?? 'https'
  const ownPort = scheme === 'http' ? 80 : 443
  const port = route.port ?? ownPort
  const secrets = secretsIn(
    route.auth,
    address.route(bottle, reading.host, port === ownPort ? undefined : port),
    folderOf((at(node, 'auth') ?? node).place.file),
    home,
  )
  const auth = authOf(route.auth, secrets)
  const dlp = dlpOf(route.dlp, personal, acceptedOn(reading.host, accepted))
  const limits = limitsOf(route.limits)
  const behindGate = gatedAt(reading.host, gated)
  const spec: RouteSpec = {
    host: reading.host,
    port,
    scheme,
    ...(route.matches && { matches: route.matches.map(matchOf) }),
    ...(route.deny && { deny: route.deny.map(matchOf) }),
    ...(auth && { auth }),
    tlsPassthrough: route.tls_passthrough ?? false,
    allowPrivate: route.allow_private ?? false,
    ...(route.protocols && route.protocols.length > 0 && { protocols: [...new Set(route.protocols)].sort() }),
    gitFetch: route.git?.fetch ?? false,
    ...(behindGate.length > 0 && { gated: behindGate }),
    ...(limits && { limits }),
    ...(dlp && { dlp }),
    ...(secrets.length > 0 && {
      secretRefs: Object.fromEntries(secrets.map(({ secret }) => [secret.id, secret.ref])),
      credential: 'present' as const,
    }),
    uplink: 'declared',
  }
  return { spec, secrets, places: placesOf(node, asked) }
}

/** `asker`: the route. Where a credential has several secrets, a question names the key that asks. */
function secretsIn(
  auth: WrittenAuth | undefined,
  asker: string,
  folder: string,
  home: string | undefined,
): readonly WrittenSecret[] {
  if (typeof auth !== 'object') return []
  return SECRET_KEYS.flatMap((key) => {
    const written = auth[key]
    if (written === undefined) return []
    const secret = secretOf(written as Json, folder, key === 'token_ref' ? asker : `${asker} ${key}`, home)
    return secret ? [{ key, secret }] : []
  })
}

function authOf(auth: WrittenAuth | undefined, secrets: readonly WrittenSecret[]): Auth | undefined {
  if (auth === 'from-agent') return { scheme: 'from-agent' }
  if (typeof auth !== 'object') return undefined
  const id = (wanted: WrittenSecret['key']): string | undefined =>
    secrets.find(({ key }) => key === wanted)?.secret.id
  const secret = id('token_ref') ?? ''
  switch (auth.scheme) {
    case 'bearer':
    case 'token':
      return { scheme: auth.scheme, secret }
    case 'basic':
      return { scheme: 'basic', username: auth.username ?? '', secret }
    case 'header':
      return { scheme: 'header', name: (auth.name ?? '').toLowerCase(), secret }
    case 'query':
      return { scheme: 'query', name: auth.name ?? '', secret }
    case 'aws-sigv4': {
      const sessionToken = id('session_token_ref')
      return {
        scheme: 'aws-sigv4',
        accessKey: id('access_key_ref') ?? '',
        secretKey: id('secret_key_ref') ?? '',
        ...(sessionToken !== undefined && { sessionToken }),
        region: auth.region ?? '',
        service: auth.service ?? '',
      }
    }
  }
}

function matchOf(match: WrittenMatch): Match {
  return {
    ...(match.methods && { methods: [...new Set(match.methods.map((method) => method.toUpperCase()))] }),
    ...(match.paths && { paths: match.paths.map((path) => ({ ...path }) as TextMatch) }),
    ...(match.headers && { headers: testsOf(match.headers, (name) => name.toLowerCase()) }),
    ...(match.query && { query: testsOf(match.query, (name) => name) }),
  }
}

function testsOf(
  tests: { readonly [name: string]: TextOrMatch },
  named: (name: string) => string,
): Readonly<Record<string, TextMatch>> {
  return Object.fromEntries(
    Object.entries(tests).map(([name, test]) => [
      named(name),
      typeof test === 'string' ? { exact: test } : ({ ...test } as TextMatch),
    ]),
  )
}

function limitsOf(limits: Route['limits']): Limits | undefined {
  if (!limits) return undefined
  const [rate, bytes, body, time] = [
    limits.rate === undefined ? undefined : perSecondOf(limits.rate),
    limits.bytes_out === undefined ? undefined : bytesOf(limits.bytes_out),
    limits.body === undefined ? undefined : bytesOf(limits.body),
    limits.time === undefined ? undefined : millisecondsOf(limits.time),
  ]
  const found: Limits = {
    ...(rate !== undefined && { requestsPerSecond: rate }),
    ...(bytes !== undefined && { bytesOutPerDay: bytes }),
    ...(body !== undefined && { bodyBytes: body }),
    ...(time !== undefined && { timeMs: time }),
  }
  return Object.keys(found).length > 0 ? found : undefined
}

/** `undefined` where it says what holds anyway: writing a default out changes nothing. */
function dlpOf(dlp: Route['dlp'], personal: boolean, accepted: readonly AcceptedFinding[]): Dlp | undefined {
  const found: Dlp = {
    outboundOnMatch: dlp?.outbound_on_match ?? DLP_DEFAULTS.outboundOnMatch,
    inbound: dlp?.inbound ?? DLP_DEFAULTS.inbound,
    uninspectable: dlp?.uninspectable ?? DLP_DEFAULTS.uninspectable,
    ...(personal && { personal }),
    ...(accepted.length > 0 && { accepted }),
  }
  return isDefaultDlp(found) ? undefined : found
}

function isDefaultDlp(dlp: Dlp): boolean {
  return (
    dlp.outboundOnMatch === DLP_DEFAULTS.outboundOnMatch &&
    dlp.inbound === DLP_DEFAULTS.inbound &&
    dlp.uninspectable === DLP_DEFAULTS.uninspectable &&
    dlp.personal === undefined &&
    dlp.accepted === undefined
  )
}

/** What a bottle says for all its routes. `accepted`: by host as written. */
export interface BottleRules {
  readonly accepted: readonly FindingOfHost[]
  readonly personal: boolean
  readonly gated: readonly Gated[]
}

/** One entry of `egress.allow_findings`. */
export type FindingOfHost = AcceptedFinding & { readonly host: string }

function acceptedOn(host: string, findings: readonly FindingOfHost[]): readonly AcceptedFinding[] {
  return findings.flatMap(({ host: written, ...finding }) => {
    const reading = readHost(written)
    return 'host' in reading && reading.host === host ? [finding] : []
  })
}

/** Sorted, each once. */
function gatedAt(host: string, gated: readonly Gated[]): readonly string[] {
  const found = gated.filter(({ hosts }) => hosts.some((each) => coversHost(host, each)))
  return [...new Set(found.map(({ repository }) => repository))].sort()
}

/** Keys of a manifest that have another name in the policy. */
const RENAMED: Readonly<Record<string, string>> = {
  allow_private: 'allowPrivate',
  tls_passthrough: 'tlsPassthrough',
  'git.fetch': 'gitFetch',
  'limits.rate': 'limits.requestsPerSecond',
  'limits.bytes_out': 'limits.bytesOutPerDay',
  'limits.body': 'limits.bodyBytes',
  'limits.time': 'limits.timeMs',
  'dlp.outbound_on_match': 'dlp.outboundOnMatch',
}

/** `''` stands for the whole route in plans: its host, or the line that asked for its preset. */
function placesOf(route: Node, asked: Place | undefined): Readonly<Record<string, Place>> {
  const places: Record<string, Place> = { '': asked ?? at(route, 'host')?.place ?? route.place }
  const visit = (node: Node, path: string): void => {
    if (path !== '') places[RENAMED[path] ?? path] = node.place
    if (node.kind === 'map')
      for (const { key, value } of node.entries.values()) visit(value, path === '' ? key : `${path}.${key}`)
    if (node.kind === 'list')
      for (const [index, { value }] of node.items.entries()) visit(value, `${path}[${index}]`)
  }
  visit(route, '')
  return places
}
