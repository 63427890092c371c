/**
 * What a bottle's provider contributes, laid into the manifest: its routes stand among the bottle's own, each with the
 * line that asked for it, and the operator's route for the same host keeps every key that it says (lessons.md, 13).
 */
import { homedir } from 'node:os'
import { address } from '../model/address.ts'
import type { Place } from '../model/diagnostic.ts'
import { ensureError } from '../model/errors.ts'
import { digestOf, type Json } from '../model/json.ts'
import type {
  Contribution,
  CredentialKey,
  LoginClaims,
  Provider,
  ProviderRequest,
  ProviderRoute,
} from '../model/provider.ts'
import type { KnownProvider, ProviderOrigin } from '../model/providers.ts'
import { AGENT } from '../resources/guest/environment.ts'
import type { GuestSpec } from '../resources/guest/spec.ts'
import { credentialEntries } from './checks/provider.ts'
import { placeholderOf, type Derived } from './marks.ts'
import { routeIdentity } from './merge.ts'
import { at, entriesOf, entry, made, mapOf, nodeOf, plain, text } from './node.ts'
import type { Entry, ListNode, MapNode, Node } from './node.ts'
import { quoted, type Report } from './report.ts'
import type { LiveBottle, ResolvedManifest } from './resolve.ts'
import { secretOf } from './secret-ref.ts'

/** One bottle's provider, and what it contributes there. */
export interface Provided {
  readonly provider: Provider
  /** Absent: it is built in. */
  readonly plugin?: ProviderOrigin
  readonly contribution: Contribution
  /** What it contributes that for. */
  readonly request: ProviderRequest
  readonly settings: Readonly<Record<string, string>>
  /** Absent: the bottle has no credential of its own. `secret` is its id. */
  readonly placeholder?: { readonly secret: string; readonly value: string }
  /** Absolute path of the sign-in of this host that is forwarded. */
  readonly loginPath?: string
  /** Of `agent_provider`. */
  readonly place: Place
}

export interface ExpandRequest {
  readonly providers: ReadonlyMap<string, KnownProvider>
  readonly derived: Derived
  readonly folderOf: (file: string) => string
  readonly home: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Text of a file of this host; undefined: it cannot be read. */
  readonly read: (path: string) => string | undefined
  readonly report: Report
}

/** The manifest passed every check of a schema; a provider that is not there was reported. */
export function expandProviders(
  resolved: ResolvedManifest,
  request: ExpandRequest,
): { readonly resolved: ResolvedManifest; readonly provided: ReadonlyMap<string, Provided> } {
  const provided = new Map<string, Provided>()
  const live = resolved.live.map((bottle) => {
    const found = providedIn(bottle, resolved.stack, request)
    if (!found) return bottle
    provided.set(bottle.name, found)
    return { ...bottle, tree: withRoutes(bottle.tree, found, request.report) }
  })
  return { resolved: { ...resolved, live }, provided }
}

/** What the guest is given beside its environment, by path. */
export function fileDigests(
  { contribution }: Provided,
  keyedDigest: (value: string) => string,
): NonNullable<GuestSpec['files']> {
  return Object.fromEntries(
    contribution.files.map(({ path, ...file }) => [path, { digest: keyedDigest(digestOf(file)) }]),
  )
}

function providedIn(bottle: LiveBottle, stack: string, request: ExpandRequest): Provided | undefined {
  const written = entry(bottle.tree, 'agent_provider')
  const known = request.providers.get(text(at(written?.value, 'template')) ?? '')
  if (!written || !known) return undefined
  const { provider, plugin } = known
  const credential = credentialEntries(written.value).find(({ key }) =>
    (provider.takes as readonly string[]).includes(key),
  )
  const settings = settingsOf(at(written.value, 'settings'))
  // The same whichever key gives the credential: what a guest once accepted stays accepted.
  const value = placeholderOf(request.derived, stack, bottle.name, 'agent_provider')
  const ask = <T>(question: () => T): T | undefined =>
    answerOf(known, question, written.place, request.report)
  const loginPath =
    credential?.key === 'forward_host_credentials'
      ? ask(() => provider.login?.path(request.env, request.home ?? homedir()))
      : undefined
  const login =
    loginPath === undefined ? undefined : ask(() => claimsIn(loginPath, provider, written.place, request))
  const asked: ProviderRequest = {
    ...(credential && { credential: credential.key as CredentialKey }),
    settings,
    placeholder: value,
    home: AGENT.home,
    workspace: AGENT.workspace,
    ...(login && { login }),
  }
  const contribution = ask(() => provider.contribution(asked))
  if (!contribution) return undefined
  const [first] = contribution.routes
  const secret =
    credential && first
      ? secretOf(
          plain(referenceNode(credential, provider.name, loginPath)),
          request.folderOf(credential.value.place.file),
          address.route(bottle.name, first.host, first.port),
          request.home,
        )?.id
      : undefined
  return {
    provider,
    ...(plugin && { plugin }),
    contribution,
    request: asked,
    settings,
    place: written.place,
    ...(loginPath !== undefined && { loginPath }),
    ...(secret !== undefined && { placeholder: { secret, value: contribution.carried ?? value } }),
  }
}

/** A plug-in may throw, or answer what cannot be used; that is said, and undefined then. */
function answerOf<T>(
  { plugin }: KnownProvider,
  question: () => T,
  place: Place,
  report: Report,
): T | undefined {
  try {
    return question()
  } catch (thrown) {
    if (!plugin) throw thrown
    const { message, hint } = ensureError(thrown)
    report.error('plugin-failed', place, message, hint)
    return undefined
  }
}

/** Only `apply` needs it: a checkout without the sign-in can still be looked at. */
function claimsIn(
  path: string,
  provider: Provider,
  place: Place,
  request: ExpandRequest,
): LoginClaims | undefined {
  const text = request.read(path)
  const claims = text === undefined ? undefined : provider.login?.claims(text)
  if (!claims)
    request.report.warning(
      'host-login-unread',
      place,
      `${quoted(path)} holds no sign-in of ${quoted(provider.name)} that can be read; apply needs one`,
      provider.login?.renew,
    )
  return claims
}

/** What the manifest has, or the file of the sign-in that is forwarded. */
function referenceNode({ value }: Entry, provider: string, loginPath: string | undefined): Node {
  return loginPath === undefined ? value : nodeOf({ login: provider, path: loginPath }, value.place)
}

function settingsOf(settings: Node | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entriesOf(settings).flatMap(({ key, value }) => {
      const said = text(value)
      return said === undefined ? [] : [[key, said] as const]
    }),
  )
}

function withRoutes(tree: MapNode, provided: Provided, report: Report): MapNode {
  const { place } = provided
  const egress = entry(tree, 'egress') ?? { key: 'egress', place, value: mapOf(place) }
  const routes = entry(egress.value, 'routes') ?? {
    key: 'routes',
    place,
    value: { kind: 'list', place, items: [] },
  }
  if (egress.value.kind !== 'map' || routes.value.kind !== 'list') return tree
  const list = provided.contribution.routes.reduce(
    (before, route) => withRoute(before, routeNode(route, tree, provided), provided, report),
    routes.value,
  )
  return laid(tree, { ...egress, value: laid(egress.value, { ...routes, value: list }) })
}

const laid = (map: MapNode, changed: Entry): MapNode => mapOf(map.place, [...map.entries.values(), changed])

function withRoute(list: ListNode, route: MapNode, provided: Provided, report: Report): ListNode {
  const { provider, place } = provided
  const identity = routeIdentity(route)
  const asked: Place = { ...place, provider: provider.name }
  const index = list.items.findIndex(({ value }) => routeIdentity(value) === identity)
  const own = list.items[index]
  if (own?.value.kind !== 'map')
    return { ...list, items: [...list.items, { value: route, asked, via: [`provider ${provider.name}`] }] }
  const merged = mapOf(own.value.place, [
    ...completing(route, own.value, provider.name),
    ...own.value.entries.values(),
  ])
  warnShadowed(own.value, route, provider.name, report)
  return { ...list, items: list.items.with(index, { ...own, value: merged }) }
}

/** Keys of the provider's route that the operator's says nothing about. */
function completing(route: MapNode, own: MapNode, provider: string): readonly Entry[] {
  // What passes undecrypted has no place for any of them.
  if (plainAt(own, 'tls_passthrough') === true) return []
  return [...route.entries.values()]
    .filter(({ key }) => !own.entries.has(key))
    .map((added) => ({ ...added, via: [`provider ${provider}`] }))
}

const plainAt = (map: MapNode, key: string): Json | undefined => {
  const node = at(map, key)
  return node && plain(node)
}

function warnShadowed(own: MapNode, route: MapNode, provider: string, report: Report): void {
  const both = (keys: Iterable<string>): string =>
    [...keys]
      .filter((key) => key !== 'host')
      .map(quoted)
      .join(', ')
  const stand = both([...own.entries.keys()].filter((key) => route.entries.has(key)))
  const rest = both(completing(route, own, provider).map(({ key }) => key))
  report.warning(
    'shadowed-route',
    at(own, 'host')?.place ?? own.place,
    `the provider ${quoted(provider)} has a route for ${quoted(text(at(own, 'host')) ?? '')} too${stand === '' ? '' : `: ${stand} of this one ${stand.includes(',') ? 'stand' : 'stands'} instead of the provider's`}`,
    rest === '' ? "nothing of the provider's is left" : `from the provider come ${rest}`,
  )
}

/** In the manifest's language; its reference is the very node that the manifest has. */
function routeNode(route: ProviderRoute, tree: MapNode, provided: Provided): MapNode {
  const { place } = provided
  const { auth, ...rest } = route
  const node = nodeOf(rest as unknown as Json, place) as MapNode
  if (auth === undefined) return node
  const written = typeof auth === 'string' ? made(auth, place) : authNode(auth, tree, provided)
  return laid(node, { key: 'auth', place, value: written })
}

function authNode(
  auth: Exclude<NonNullable<ProviderRoute['auth']>, string>,
  tree: MapNode,
  { place, provider, loginPath }: Provided,
): MapNode {
  const [credential] = credentialEntries(at(tree, 'agent_provider') ?? tree)
  const node = nodeOf(auth, place) as MapNode
  if (!credential) return node
  const value = referenceNode(credential, provider.name, loginPath)
  return laid(node, { key: 'token_ref', place: credential.place, value })
}
