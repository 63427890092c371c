/** The way to a declared target: resolve, judge every address, dial what was judged; or ask the site proxy. */
import type { Socket } from 'node:net'
import type { DialRefusal } from '../../src/model/control.ts'
import type { UplinkPolicy, UplinkTarget } from '../../src/model/policy.ts'
import { parseAddress } from '../../src/model/ip.ts'
import { judgeAddress, type Judgement } from './addresses.ts'
import { connectFirst, type Connect } from './connect.ts'
import { matchesSuffix } from './names.ts'
import type { OwnAddresses } from './own.ts'
import { openTunnel, parseProxy } from './proxy.ts'
import type { Resolve } from './resolver.ts'

export interface Surroundings {
  readonly resolve: Resolve
  /** Told of a name whose addresses lead nowhere. */
  readonly forget?: (name: string, policy: UplinkPolicy) => void
  readonly connect: Connect
  readonly own: () => OwnAddresses
}

interface Dialled {
  readonly socket: Socket
  readonly address: string
}

interface Refused {
  readonly code: DialRefusal
  readonly message: string
}

/** How a connection came to its far end, so that it can be judged again under another policy. */
export interface Reached {
  readonly address: string
  /** Resolvers of the policy that gave the address; absent: it was fixed, or written as an address. */
  readonly dns?: readonly string[]
  /** The site proxy, whose address it then is. */
  readonly proxy?: string
}

/** `address` is for people. */
export type Way = (Dialled & { readonly reached: Reached }) | Refused

/** The site proxy to ask for a host; a fixed address and `noProxy` go directly. */
export function siteProxyFor(host: string, policy: UplinkPolicy): string | undefined {
  return Object.hasOwn(policy.hosts, host) || matchesSuffix(host, policy.noProxy) ? undefined : policy.proxy
}

/** `host` is the declared name asked for, `target` the entry that admits it. */
export async function openWay(
  host: string,
  target: UplinkTarget,
  policy: UplinkPolicy,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Way> {
  const proxy = siteProxyFor(host, policy)
  if (proxy !== undefined) return await openByProxy(host, target.port, proxy, policy, around, signal)
  const { addresses, fixed } = await around.resolve(host, policy)
  if (addresses.length === 0) return { code: 'name-unresolvable', message: `${host} has no address` }
  const { interfaces, gateways } = around.own()
  const judging = {
    allowPrivate: target.allowPrivate,
    fixed,
    own: interfaces,
    host: [...gateways, ...policy.hostAddresses],
  }
  const judged = addresses.map((address) => ({ address, judgement: judgeAddress(address, judging) }))
  const accepted = judged.filter(({ judgement }) => 'ok' in judgement).map(({ address }) => address)
  const [first] = judged
  if (accepted.length === 0 && first !== undefined) return refusal(host, first.address, first.judgement)
  const way = await dial(accepted, target.port, `${host}:${target.port}`, around, signal)
  if (!('socket' in way)) {
    around.forget?.(host, policy)
    return way
  }
  return { ...way, reached: { address: way.address, ...(!fixed && { dns: policy.dns }) } }
}

function refusal(host: string, address: string, judgement: Judgement): Way {
  if ('ok' in judgement) throw new Error('an accepted address is no refusal')
  const hint =
    judgement.refused === 'private' ? '; `allow_private: true` on its route or remote would admit it' : ''
  return {
    code: 'address-refused',
    message: `${host} is at ${address}, which is refused (${judgement.words})${hint}`,
  }
}

async function openByProxy(
  host: string,
  port: number,
  proxy: string,
  policy: UplinkPolicy,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Way> {
  const site = parseProxy(proxy)
  if (site === undefined) return { code: 'connect-failed', message: 'the site proxy is not http://host:port' }
  const isLiteral = parseAddress(site.host) !== undefined
  const { addresses, fixed } = isLiteral
    ? { addresses: [site.host], fixed: true }
    : await around.resolve(site.host, policy)
  if (addresses.length === 0)
    return { code: 'name-unresolvable', message: `the site proxy ${site.host} has no address` }
  const way = await dial(addresses, site.port, 'the site proxy', around, signal)
  if (!('socket' in way)) {
    around.forget?.(site.host, policy)
    return way
  }
  const why = await openTunnel(way.socket, host, port)
  if (why === undefined)
    return {
      socket: way.socket,
      address: `${host}:${port} by ${site.host}:${site.port}`,
      reached: { address: way.address, proxy, ...(!fixed && { dns: policy.dns }) },
    }
  way.socket.destroy()
  return { code: 'connect-failed', message: `${host}:${port}: ${why}` }
}

async function dial(
  addresses: readonly string[],
  port: number,
  what: string,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Dialled | Refused> {
  const connected = await connectFirst(around.connect, addresses, port, signal)
  if ('socket' in connected) return connected
  return { code: connected.failed, message: `${what} cannot be reached: ${connected.why}` }
}
