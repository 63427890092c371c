/** Names that may be dialled, and which declared target admits one. Pure; URL libraries never see a name. */
import type { UplinkTarget } from '../../src/model/policy.ts'

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** Canonical: lower-case ASCII labels, no trailing dot, no form of an IP address. */
export function isHostName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false
  const labels = name.split('.')
  const last = labels.at(-1) ?? ''
  // A last label that a resolver could read as a number makes the whole an address (`127.1`, `0x7f000001`).
  return labels.every((label) => LABEL.test(label)) && !/^(?:\d+|0x[0-9a-f]*)$/.test(last)
}

/** A name, or `*.` before one for exactly one label more. */
export function isTargetHost(host: string): boolean {
  return isHostName(host.startsWith('*.') ? host.slice(2) : host)
}

/** Exact before wildcard. */
export function targetFor(
  targets: readonly UplinkTarget[],
  host: string,
  port: number,
): UplinkTarget | undefined {
  const dot = host.indexOf('.')
  const wildcard = dot === -1 ? undefined : `*.${host.slice(dot + 1)}`
  const here = targets.filter((target) => target.port === port)
  return here.find((target) => target.host === host) ?? here.find((target) => target.host === wildcard)
}

/** `.corp.example` is every name below it, `corp.example` that name alone. */
export function matchesSuffix(name: string, suffixes: readonly string[]): boolean {
  return suffixes.some((suffix) => (suffix.startsWith('.') ? name.endsWith(suffix) : name === suffix))
}
