/**
 * When a root is renewed, and how (contract.md, CA). From its twentieth day a new one is put beside it in the guest, so
 * that every program that starts from then on trusts both; egress changes over when the agent restarts, or on the old
 * one's last day. Where there is no new one by then it is made anew, and the agent restarts; so is one that is not valid
 * yet, because it was made while the clock was ahead. Pure.
 */
import type { Difference, Observed } from '../../model/resource.ts'
import type { CaSpec } from './spec.ts'

const DAY = 86_400_000

/** The difference that renewal makes to a root; `undefined`: nothing is due. */
export function renewal(
  { renewAfterDays }: CaSpec,
  fields: Observed['fields'],
  now: string,
): Difference | undefined {
  const { notBefore, notAfter } = fields
  if (typeof notBefore !== 'string' || typeof notAfter !== 'string') return undefined
  const at = Date.parse(now)
  if (at < Date.parse(notBefore)) return notValidYet(notBefore)
  const isDue = at >= Date.parse(notBefore) + renewAfterDays * DAY
  const next = usableNext(fields, now)
  if (at >= Date.parse(notAfter) - DAY) return next === undefined ? anew(notAfter) : takesOver(notAfter)
  return isDue && next === undefined ? BESIDE : undefined
}

/** Fingerprint of the root beside the present one, while it lasts for more than a day. */
export function usableNext({ next, nextNotAfter }: Observed['fields'], now: string): string | undefined {
  if (typeof next !== 'string' || typeof nextNotAfter !== 'string') return undefined
  return Date.parse(nextNotAfter) - Date.parse(now) > DAY ? next : undefined
}

/** The new root becomes the root; the guest trusts it already. */
export function takesOver(notAfter: string): Difference {
  return { path: 'root', before: notAfter, after: 'the one beside it', cause: 'drift', impact: 'live' }
}

const BESIDE: Difference = { path: 'next', after: 'made', cause: 'drift', impact: 'next-start' }

function anew(notAfter: string): Difference {
  return { path: 'notAfter', before: notAfter, after: 'renewed', cause: 'drift', impact: 'restart-agent' }
}

function notValidYet(notBefore: string): Difference {
  return { path: 'notBefore', before: notBefore, after: 'renewed', cause: 'drift', impact: 'restart-agent' }
}

export function renewalWords({ path }: Difference): string {
  switch (path) {
    case 'next':
      return 'root certificate is due for renewal: a new one is put beside it'
    case 'root':
      return 'the new root certificate takes over'
    case 'notBefore':
      return 'root certificate is not valid yet: it was made while the clock was ahead'
    default:
      return 'root certificate is due for renewal'
  }
}

/** What is to be known of a renewal that begins: when it ends. */
export function renewalNotes({ path }: Difference, { notAfter }: Observed['fields']): readonly string[] {
  if (path !== 'next') return []
  const lastDay = new Date(Date.parse(String(notAfter)) - DAY).toISOString().slice(0, 10)
  return [`egress changes over when the agent restarts, at the latest on ${lastDay}`]
}
