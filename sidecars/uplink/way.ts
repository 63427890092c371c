/** The way to a declared target: resolve, judge every address, dial what was judged; or ask the site proxy. */
import type { Socket } from 'node:net'
import type { DialRefusal } from '../../src/model/control.ts'
import type { UplinkPolicy, UplinkTarget } from '../../src/model/policy.ts'
import { judgeAddress, parseAddress, type Judgement } from './addresses.ts'
import { connectFirst, type Connect } from './connect.ts'
import { matchesSuffix } from './names.ts'
import type { OwnAddresses } from './own.ts'
import { openTunnel, parseProxy } from './proxy.ts'
import type { Resolve } from './resolver.ts'

export interface Surroundings {
  readonly resolve: Resolve
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

/** `needsPrivate`: the address is acceptable only because of `allow_private`. */
export type Way = (Dialled & { readonly needsPrivate: boolean }) | Refused

/** `host` is the declared name asked for, `target` the entry that admits it. */
export async function openWay(
  host: string,
  target: UplinkTarget,
  policy: UplinkPolicy,
  around: Surroundings,
  signal: AbortSignal,
): Promise<Way> {
  const isFixed = Object.hasOwn(policy.hosts, host)
  if (policy.proxy !== undefined && !isFixed && !matchesSuffix(host, policy.noProxy)) {
    return await openByProxy(host, target.port, policy.proxy, policy, around, signal)
  }
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
  if (!('socket' in way)) return way
  const asPublic = judgeAddress(way.address, { ...judging, allowPrivate: false })
  return { ...way, needsPrivate: !('ok' in asPublic) }
}

function refusal(host: string, address: string, judgement: Judgement): Way {
  if ('ok' in judgement) throw new Error('an accepted address is no refusal')
  const hint = judgement.refused === 'private' ? '; `allow_private: true` on its route would admit it' : ''
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
  const addresses = isLiteral ? [site.host] : (await around.resolve(site.host, policy)).addresses
  if (addresses.length === 0)
    return { code: 'name-unresolvable', message: `the site proxy ${site.host} has no address` }
  const way = await dial(addresses, site.port, 'the site proxy', around, signal)
  if (!('socket' in way)) return way
  const why = await openTunnel(way.socket, host, port)
  if (why === undefined)
    return {
      socket: way.socket,
      address: `${host}:${port} by ${site.host}:${site.port}`,
      needsPrivate: false,
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
