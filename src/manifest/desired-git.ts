/**
 * What a bottle asks for about git: its remotes with their keys, and what its own git is told. Canonical, with every
 * default filled in.
 */
import { address } from '../model/address.ts'
import type { SshUrl } from '../model/gate.ts'
import { repositoryOfPath } from '../model/repository-name.ts'
import type { Place } from '../model/diagnostic.ts'
import type { Resource } from '../model/resource.ts'
import type { GuestGit, UpstreamUrls } from '../resources/guest/git.ts'
import type { KeySpec } from '../resources/key/spec.ts'
import { sshUrlText } from '../resources/remote/narrow.ts'
import type { RemoteSpec } from '../resources/remote/spec.ts'
import type { RouteSpec } from '../resources/route/spec.ts'
import { parseSshUrl } from './checks/remotes.ts'
import type { Git, GitUser, ProvisionedKey, Remote } from './manifest.generated.ts'
import { at, entriesOf, entry, plain, type Entry, type Node } from './node.ts'
import { bytesOf, millisecondsOf } from './quantities.ts'
import { quoted, type Report } from './report.ts'
import type { LiveBottle } from './resolve.ts'
import { pathFrom, secretOf, type NamedSecret } from './secret-ref.ts'

export interface GitRequest {
  readonly folderOf: (file: string) => string
  readonly home: string | undefined
  /** Told of every token, with where it is named. */
  readonly named: (secret: NamedSecret, place: Place) => void
}

/** Remotes and the keys that are made for them; the manifest passed every check. */
export function gitResources(bottle: LiveBottle, request: GitRequest): readonly Resource[] {
  const user = userOf(bottle.tree)
  return entriesOf(at(bottle.tree, 'git', 'remotes')).flatMap((remote) => {
    const written = plain(remote.value) as unknown as Remote
    const url = urlOf(written.url ?? '')
    if (!url) return []
    const key = written.provisioned_key && keyResource(bottle, remote, written.provisioned_key, url, request)
    return [...(key ? [key] : []), remoteResource(bottle, remote, url, key, user, request)]
  })
}

/** What the bottle's own git is told; `undefined`: nothing. */
export function guestGit({ tree }: LiveBottle): GuestGit | undefined {
  const git = at(tree, 'git')
  const { user, remotes = {} } = (git ? plain(git) : {}) as unknown as Git
  const told: GuestGit = {
    ...(user && Object.keys(user).length > 0 && { user }),
    remotes: Object.fromEntries(
      Object.entries(remotes).flatMap(([name, { url: written = '', provisioned_key: key }]) => {
        const ssh = urlOf(written)
        return ssh ? [[name, { url: sshUrlText(ssh), ...webOf(ssh, key?.api) }]] : []
      }),
    ),
  }
  return told.user || Object.keys(told.remotes).length > 0 ? told : undefined
}

/** Where each field of `guestGit` is said. */
export function gitPlaces(tree: Node): Readonly<Record<string, Node | undefined>> {
  const remotes = entriesOf(at(tree, 'git', 'remotes')).map(
    ({ key, value }) => [`git.remotes.${key}`, at(value, 'url')] as const,
  )
  return {
    git: at(tree, 'git'),
    'git.user.name': at(tree, 'git', 'user', 'name'),
    'git.user.email': at(tree, 'git', 'user', 'email'),
    ...Object.fromEntries(remotes),
  }
}

/** Where the API is on the same host at another port, or below a path, the forge is there too. */
function webOf({ host }: SshUrl, api: string | undefined): Pick<UpstreamUrls, 'web'> {
  if (api === undefined || !URL.canParse(api)) return {}
  const url = new URL(api)
  const forge = `${url.origin}${url.pathname.replace(/\/api(\/v\d+)?\/*$/, '').replace(/\/*$/, '/')}`
  return url.hostname === host && forge !== `https://${host}/` ? { web: [forge] } : {}
}

/** Repositories that are behind the gate, with the hosts by which the forge's web and API are reached. */
export function gatedOf({ tree }: LiveBottle): readonly Gated[] {
  const node = at(tree, 'git', 'remotes')
  const remotes = (node ? plain(node) : {}) as unknown as Readonly<Record<string, Remote>>
  return Object.values(remotes).flatMap(({ url: written = '', provisioned_key: key }) => {
    const url = urlOf(written)
    if (!url) return []
    const { host } = url
    const api = key?.api !== undefined && URL.canParse(key.api) ? [new URL(key.api).hostname] : []
    const repository = (key?.repo ?? repositoryOfPath(url.path)).toLowerCase()
    return [{ hosts: [host, `api.${host}`, `uploads.${host}`, ...api], repository }]
  })
}

/** What is passed through is not looked into: there the gate is no longer the one door. */
export function warnPassedThrough(routes: readonly Resource[], report: Report): void {
  for (const { spec, places } of routes) {
    const { host, tlsPassthrough, gated } = spec as RouteSpec
    const place = places['tlsPassthrough'] ?? places['']
    if (!tlsPassthrough || !gated || !place) continue
    report.warning(
      'passthrough-beside-gate',
      place,
      `${quoted(host)} is passed through, and ${gated.map(quoted).join(', ')} there is behind the git gate: with a credential of its own the agent could push past it`,
      'leave `tls_passthrough` out, so that pushes and commits there are refused',
    )
  }
}

export interface Gated {
  readonly hosts: readonly string[]
  /** Lower-case. */
  readonly repository: string
}

/** An absolute path begins with a slash; the other form is looked up from the home folder of the user there. */
export function urlOf(written: string): SshUrl | undefined {
  const url = parseSshUrl(written)
  const isAbsolute = written.startsWith('ssh://') && url?.path.startsWith('~') === false
  return url && { ...url, path: isAbsolute ? `/${url.path.replace(/^\//, '')}` : url.path }
}

function userOf(tree: Node): { readonly name: string; readonly email: string } | undefined {
  const node = at(tree, 'git', 'user')
  const { name, email } = (node ? plain(node) : {}) as unknown as GitUser
  return name === undefined || email === undefined ? undefined : { name, email }
}

function remoteResource(
  { name: bottle, driver }: LiveBottle,
  { key: name, value, place }: Entry,
  url: SshUrl,
  key: Resource<KeySpec> | undefined,
  user: ReturnType<typeof userOf>,
  { folderOf, home }: GitRequest,
): Resource<RemoteSpec> {
  const written = plain(value) as unknown as Remote
  const push = written.push ?? {}
  const [maxPack, maxFile] = [written.max_pack, written.max_file].map((size) =>
    size === undefined ? undefined : bytesOf(size),
  )
  const identity = written.identity ?? ''
  const file = at(value, 'identity')?.place.file ?? place.file
  const bundle = address.bundle(bottle)
  return {
    kind: 'remote',
    address: address.remote(bottle, name),
    driver,
    bottle,
    needs: key ? [bundle, key.address] : [bundle],
    spec: {
      url,
      hostKeys: [written.host_key ?? []].flat().map(bareKey).sort(),
      identity: key ? key.address : `file:${identity}`,
      ...(!key && {
        identityRef: { from: 'file', path: pathFrom(folderOf(file), identity, home) } as const,
      }),
      push: {
        allow: push.allow ?? [],
        force: push.force ?? false,
        delete: push.delete ?? false,
        tags: push.tags ?? false,
        scan: push.scan ?? 'block',
        flag: push.paths?.flag ?? [],
        protect: [],
      },
      ...(written.require_identity === true && user && { requireIdentity: user }),
      ...(maxPack !== undefined && { maxPack }),
      ...(maxFile !== undefined && { maxFile }),
      credential: 'present',
      allowPrivate: written.allow_private ?? isPrivateForge(key, url),
      uplink: 'declared',
    },
    places: placesOf(value, place, {
      url: ['url'],
      hostKeys: ['host_key'],
      identity: [key ? 'provisioned_key' : 'identity'],
      push: ['push'],
      'push.allow': ['push', 'allow'],
      'push.force': ['push', 'force'],
      'push.delete': ['push', 'delete'],
      'push.tags': ['push', 'tags'],
      'push.scan': ['push', 'scan'],
      'push.flag': ['push', 'paths', 'flag'],
      requireIdentity: ['require_identity'],
      maxPack: ['max_pack'],
      maxFile: ['max_file'],
      allowPrivate: ['allow_private'],
    }),
    ignore: [],
    protect: written.protect ?? false,
  }
}

/** The forge's API may be at a private address, and the upstream is the same host. */
function isPrivateForge(key: Resource<KeySpec> | undefined, { host }: SshUrl): boolean {
  return key !== undefined && key.spec.allowPrivate && new URL(key.spec.api).hostname === host
}

function keyResource(
  { name: bottle, driver }: LiveBottle,
  { key: name, value, place }: Entry,
  written: ProvisionedKey,
  url: SshUrl,
  { folderOf, home, named }: GitRequest,
): Resource<KeySpec> | undefined {
  const node = entry(value, 'provisioned_key')
  const own = address.key(bottle, name)
  const { provider = '', api = '', token_ref: token, rotate } = written
  const said = at(value, 'provisioned_key', 'token_ref')?.place ?? node?.place ?? place
  const secret = token === undefined ? undefined : secretOf(token, folderOf(said.file), own, home)
  if (!node || !secret) return undefined
  named(secret, said)
  const { push } = plain(value) as unknown as Remote
  const age = rotate === undefined ? undefined : millisecondsOf(rotate)
  return {
    kind: 'key',
    address: own,
    driver,
    bottle,
    needs: [address.bundle(bottle)],
    spec: {
      provider,
      api: api.replace(/\/+$/, ''),
      repository: written.repo ?? repositoryOfPath(url.path),
      url: sshUrlText(url),
      // No more than is needed: what may push nothing gets a key that cannot.
      readOnly: written.read_only ?? ((push?.allow ?? []).length === 0 && push?.tags !== true),
      token: secret.id,
      tokenRef: secret.ref,
      allowPrivate: written.allow_private ?? false,
      ...(age !== undefined && { rotate: age }),
      listed: 'present',
      pair: 'kept',
      leftovers: [],
    },
    places: placesOf(node.value, node.place, {
      provider: ['provider'],
      api: ['api'],
      repository: ['repo'],
      readOnly: ['read_only'],
      token: ['token_ref'],
      allowPrivate: ['allow_private'],
      rotate: ['rotate'],
    }),
    ignore: [],
    protect: false,
  }
}

/** Type and content; what stands behind them is a comment. */
function bareKey(line: string): string {
  return line.split(' ').slice(0, 2).join(' ')
}

function placesOf(
  node: Node,
  own: Place,
  paths: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, Place>> {
  const said = Object.entries(paths).flatMap(([field, path]) => {
    const found = at(node, ...path)
    return found ? [[field, found.place] as const] : []
  })
  return { '': own, ...Object.fromEntries(said) }
}
