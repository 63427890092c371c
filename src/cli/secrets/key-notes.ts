/** What is not known of deploy keys because a forge could not be asked here: of which, why, and the way out. Never a value. */
import type { Plan } from '../../model/plan.ts'
import type { ForgeLook, KeysLook } from '../../reconcile/snapshot-git.ts'

/** Keys named in one note. */
const NAMED = 3

/** One line for each token that cannot be had. `plan`: what would be done without it. */
export function keyNotes(
  { forges }: Pick<KeysLook, 'forges'>,
  plan?: Pick<Plan, 'actions'>,
): readonly string[] {
  const byReason = new Map<string, ForgeLook[]>()
  for (const forge of forges.filter(isUnasked)) {
    const reason = `${forge.api} ${forge.unasked?.why}`
    byReason.set(reason, [...(byReason.get(reason) ?? []), forge])
  }
  return [...byReason.values()].flatMap((each) => {
    const [first] = each
    const addresses = [...new Set(each.flatMap((forge) => forge.addresses))].sort()
    if (first?.unasked === undefined || addresses.length === 0) return []
    const { why, wayOut } = first.unasked
    const isMade = plan?.actions.some(
      ({ address, kind, verb }) =>
        kind === 'key' && verb !== 'remove' && verb !== 'blocked' && addresses.includes(address),
    )
    const ends = isMade === true && first.tokenRef.from !== 'command' && first.tokenRef.from !== 'ask'
    const follows = ends ? '; `apply` ends with 2 without it, before it does anything' : ''
    const about = `${hostOf(first.api)} was not asked about ${named(addresses)}`
    const unknown = addresses.length === 1 ? 'which is unknown' : 'which are unknown'
    return [`${about}, ${unknown}, not missing: ${why} (${wayOut})${follows}`]
  })
}

export function isUnasked({ answer }: ForgeLook): boolean {
  return answer === undefined
}

function named(addresses: readonly string[]): string {
  const more = addresses.length > NAMED ? [`${addresses.length - NAMED} more`] : []
  return [...addresses.slice(0, NAMED), ...more].join(', ')
}

function hostOf(api: string): string {
  return URL.canParse(api) ? new URL(api).host : api
}
