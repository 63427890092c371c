/**
 * Whether an open connection of a bottle could be opened again as it is: by the same way, to the same address. Pure.
 * What cannot be told without asking a resolver again counts as no: the bottle dials anew.
 */
import { isDeepStrictEqual } from 'node:util'
import type { UplinkPolicy, UplinkTarget } from '../../src/model/policy.ts'
import { parseAddress } from '../../src/model/ip.ts'
import { judgeAddress } from './addresses.ts'
import type { OwnAddresses } from './own.ts'
import { parseProxy } from './proxy.ts'
import { siteProxyFor } from './way.ts'
import type { Reached } from './way.ts'

/** A connection that has no address yet. */
export interface Opening {
  /** What it is dialled under; whatever may come is judged by these. */
  readonly policy: UplinkPolicy
  readonly allowPrivate: boolean
}

export interface Standing {
  readonly host: string
  readonly state: Opening | Reached
}

/** `target` is the entry that admits the connection now. */
export type StillStands = (passage: Standing, target: UplinkTarget) => boolean

export function standsUnder(policy: UplinkPolicy, own: OwnAddresses): StillStands {
  return ({ host, state }, target) => {
    if ('policy' in state)
      return (target.allowPrivate || !state.allowPrivate) && isDeepStrictEqual(policy, state.policy)
    const proxy = siteProxyFor(host, policy)
    if (proxy !== state.proxy) return false
    if (!leadsTo(proxy === undefined ? host : parseProxy(proxy)?.host, state, policy)) return false
    // The operator names the site proxy, so its own address is not judged.
    if (proxy !== undefined) return true
    const judgement = judgeAddress(state.address, {
      allowPrivate: target.allowPrivate,
      fixed: Object.hasOwn(policy.hosts, host),
      own: own.interfaces,
      host: [...own.gateways, ...policy.hostAddresses],
    })
    return 'ok' in judgement
  }
}

function leadsTo(name: string | undefined, { address, dns }: Reached, policy: UplinkPolicy): boolean {
  if (name === undefined) return false
  if (parseAddress(name) !== undefined) return true
  if (Object.hasOwn(policy.hosts, name)) return policy.hosts[name] === address
  return dns !== undefined && isDeepStrictEqual(dns, policy.dns)
}
