/** Routes as each definition declares them: hosts nobody may declare, credentials where they would leak, doubles. */
import { domainToASCII } from 'node:url'
import { at, entriesOf, entry, itemsOf, scalar, text, type Node } from '../node.ts'
import { readHost } from '../hosts.ts'
import { routeIdentity } from '../merge.ts'
import { quoted, type Report } from '../report.ts'
import { collectPattern, type Patterns } from './patterns.ts'
import { checkReference } from './references.ts'

/** `bottle` is a definition as written, or `defaults`. */
export function checkRoutes(bottle: Node, report: Report, patterns: Patterns): void {
  checkRouteList(at(bottle, 'egress', 'routes'), report, patterns)
  for (const { value: finding } of itemsOf(at(bottle, 'egress', 'allow_findings')))
    checkFindingHost(finding, report)
}

/** Of a definition, or of a preset. `patterns` gets the expressions, which are checked apart. */
export function checkRouteList(routes: Node | undefined, report: Report, patterns: Patterns): void {
  const seen = new Map<string, number>()
  for (const { value: route } of itemsOf(routes)) {
    if (route.kind !== 'map') continue
    checkHost(route, report)
    checkBesidePreset(route, report)
    checkAuth(route, report)
    checkPassthrough(route, report)
    for (const list of ['matches', 'deny'])
      for (const { value } of itemsOf(at(route, list))) checkMatch(value, report, patterns)
    const identity = routeIdentity(route)
    const first = identity === undefined ? undefined : seen.get(identity)
    const named = entry(route, 'host') ?? entry(route, 'preset')
    if (identity === undefined || !named) continue
    if (first !== undefined)
      report.error(
        'duplicate-route',
        named.value.place,
        `there is a route for ${quoted(identity)} in line ${first} already`,
        'put both sets of conditions under one `matches`',
      )
    else seen.set(identity, named.value.place.line)
  }
}

/** What may be said about a whole preset: its hosts, ports and requests are its own. */
const BESIDE_PRESET: ReadonlySet<string> = new Set(['preset', 'host', 'auth', 'deny', 'limits', 'dlp'])

function checkBesidePreset(route: Node, report: Report): void {
  if (!entry(route, 'preset')) return
  for (const { key, place } of entriesOf(route))
    if (!BESIDE_PRESET.has(key))
      report.error(
        'key-not-with',
        place,
        `${quoted(key)} does not go with \`preset\`, which brings its own`,
        'write a route for the host: it stands instead of the one of the preset',
      )
}

function checkHost(route: Node, report: Report): void {
  const host = entry(route, 'host')
  if (!host) {
    if (!entry(route, 'preset')) report.error('missing-key', route.place, 'a route needs `host`')
    return
  }
  if (entry(route, 'preset')) report.error('exactly-one', host.place, 'a route has either `host` or `preset`')
  const written = text(host.value)
  if (written === undefined) return
  const reading = readHost(written)
  if (!('host' in reading)) {
    report.error(reading.code, host.value.place, reading.message, reading.hint)
    return
  }
  if (reading.host.startsWith('*.'))
    report.warning(
      'wildcard-host',
      host.value.place,
      `${quoted(written)} allows every name one label below ${quoted(reading.host.slice(2))}`,
    )
  if (domainToASCII(written) !== written.toLowerCase() && /\P{ASCII}/u.test(written)) {
    report.warning(
      'international-host',
      host.value.place,
      `${quoted(written)} is ${quoted(reading.host)} on the wire`,
      'letters of other scripts can look like Latin ones; compare the two',
    )
  }
}

function checkAuth(route: Node, report: Report): void {
  const auth = entry(route, 'auth')
  if (!auth) return
  const before = report.errors
  if (text(at(route, 'scheme')) === 'http') {
    report.error(
      'auth-over-http',
      auth.place,
      'a credential is never sent over http, where everybody on the way reads it',
      'use scheme https, or leave `auth` out',
    )
  }
  if (scalar(at(route, 'tls_passthrough')) === true) {
    report.error(
      'auth-with-passthrough',
      auth.place,
      'nothing can be put on a request that is not decrypted',
      'leave out `tls_passthrough` or `auth`',
    )
  }
  if (text(auth.value) === 'from-agent') {
    report.warning(
      'auth-from-agent',
      auth.value.place,
      'a credential that the agent holds itself passes here; it can be read inside the bottle',
    )
  } else if (!entry(route, 'preset') && !hasPaths(route) && report.errors === before) {
    const host = text(at(route, 'host')) ?? ''
    report.warning(
      'auth-without-paths',
      auth.place,
      `the credential for ${quoted(host)} can be used on every path, also those that make new credentials`,
      'name the paths under `matches`',
    )
  }
  if (scalar(at(auth.value, 'i_know')) === false)
    report.error(
      'not-one-of',
      at(auth.value, 'i_know')?.place ?? auth.place,
      'a credential in a URL needs `i_know: true`',
    )
  const offered = itemsOf(at(route, 'protocols')).find(({ value }) => text(value) === 'h2')
  if (offered && text(at(auth.value, 'scheme')) === 'aws-sigv4')
    report.error(
      'signing-with-h2',
      offered.value.place,
      'requests are signed as they are written in HTTP/1.1',
      'leave `h2` out of `protocols`',
    )
  for (const key of ['token_ref', 'access_key_ref', 'secret_key_ref', 'session_token_ref'])
    checkReference(at(auth.value, key), report)
}

function hasPaths(route: Node): boolean {
  if (!entry(route, 'matches')) return false
  return itemsOf(at(route, 'matches')).every(({ value }) => entry(value, 'paths') !== undefined)
}

function checkPassthrough(route: Node, report: Report): void {
  const passthrough = at(route, 'tls_passthrough')
  if (!passthrough || scalar(passthrough) !== true) return
  report.warning(
    'route-not-inspected',
    passthrough.place,
    `what goes to ${quoted(text(at(route, 'host')) ?? '')} is not decrypted: no path, no secret and no answer in it is looked at`,
    'hosts of one network can stand behind one name; leave it out where the client can trust the CA of the bottle',
  )
  for (const key of ['matches', 'deny', 'git', 'dlp', 'protocols', 'limits']) {
    const blind = entry(route, key)
    if (blind)
      report.error(
        'blind-with-passthrough',
        blind.place,
        `${quoted(key)} cannot be judged on a connection that is not decrypted`,
        'leave out `tls_passthrough` or this key',
      )
  }
  if (text(at(route, 'scheme')) === 'http')
    report.error(
      'blind-with-passthrough',
      entry(route, 'tls_passthrough')?.place ?? route.place,
      'http is not encrypted; there is nothing to pass through',
    )
}

function checkMatch(match: Node, report: Report, patterns: Patterns): void {
  const names = new Set<string>()
  for (const header of entriesOf(at(match, 'headers'))) {
    if (names.has(header.key.toLowerCase()))
      report.error(
        'duplicate-key',
        header.place,
        `${quoted(header.key)} stands here twice; header names have no case`,
      )
    names.add(header.key.toLowerCase())
    collectPattern(header, patterns)
  }
  for (const parameter of entriesOf(at(match, 'query'))) collectPattern(parameter, patterns)
  for (const { value } of itemsOf(at(match, 'paths')))
    for (const test of entriesOf(value))
      collectPattern(
        { ...test, value: { kind: 'map', place: value.place, entries: new Map([[test.key, test]]) } },
        patterns,
      )
}

function checkFindingHost(finding: Node, report: Report): void {
  const host = at(finding, 'host')
  const written = text(host)
  if (host === undefined || written === undefined) return
  const reading = readHost(written)
  if (!('host' in reading)) report.error(reading.code, host.place, reading.message, reading.hint)
}
