/**
 * Names to addresses. Fixed addresses first, then the resolvers of the policy, else the system's; always as the
 * absolute name (no search list, no /etc/hosts: `dns.lookup` is never called), A and AAAA only (hints of HTTPS
 * records are not asked for). CNAMEs do not matter: what is judged is where they end.
 */
import { Resolver } from 'node:dns/promises'
import type { UplinkPolicy } from '../../src/model/policy.ts'

export interface Resolved {
  readonly addresses: readonly string[]
  /** The operator fixed it for exactly this name. */
  readonly fixed: boolean
  /** How long the resolver lets it be kept; absent: no resolver was asked. */
  readonly ttlSeconds?: number
}

export type Resolve = (name: string, policy: UplinkPolicy) => Promise<Resolved>

const ASK = { timeout: 1500, tries: 2, maxTimeout: 3000 }
/** Answers looked at; more are nobody's honest need. */
const ADDRESSES_MAX = 32

/** Empty addresses: the name has none, or no resolver answered. */
export const resolveName: Resolve = async (name, policy) => {
  const fixed = Object.hasOwn(policy.hosts, name) ? policy.hosts[name] : undefined
  if (fixed !== undefined) return { addresses: [fixed], fixed: true }
  // A single label belongs to whoever answers first; only a fixed one is meant.
  if (!name.includes('.')) return { addresses: [], fixed: false }
  const resolver = new Resolver(ASK)
  if (policy.dns.length > 0) resolver.setServers([...policy.dns])
  const answers = await Promise.allSettled([
    resolver.resolve4(name, { ttl: true }),
    resolver.resolve6(name, { ttl: true }),
  ])
  const [v4 = [], v6 = []] = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  const found = interleave(v4, v6).slice(0, ADDRESSES_MAX)
  return {
    addresses: found.map(({ address }) => address),
    fixed: false,
    ttlSeconds: Math.min(...found.map(({ ttl }) => ttl), 86_400),
  }
}

/** One of each family in turn (RFC 8305), so that a dead family costs one stagger. */
function interleave<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  const longest = Math.max(first.length, second.length)
  return Array.from({ length: longest }, (_, index) => [first[index], second[index]])
    .flat()
    .filter((record) => record !== undefined)
}
