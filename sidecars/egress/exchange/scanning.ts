/** What of one request is scanned, and by which rules: the parts of egress put into the terms of `sidecars/detect`. */
import { randomBytes } from 'node:crypto'
import type { Marks } from '../../../src/model/known.ts'
import { DLP_DEFAULTS } from '../../../src/model/policy.ts'
import type { AcceptedFinding, RoutePolicy } from '../../../src/model/policy.ts'
import { fingerprints } from '../../detect/fingerprint.ts'
import { KnownSecrets } from '../../detect/known.ts'
import type { Detectors } from '../../detect/look.ts'
import { personalIn } from '../../detect/personal.ts'
import { Room } from '../../detect/scan.ts'
import type { Finding, ScanInput, ScanRules } from '../../detect/scan.ts'
import { scannerWith } from '../../detect/shapes/further.ts'
import { createShapeScanner } from '../../detect/shapes/scanner.ts'
import type { ShapeScanner } from '../../detect/shapes/scanner.ts'
import { isCredentialField } from '../../policy/strip.ts'
import type { Control } from '../../policy/controls.ts'
import { controls } from '../../policy/controls.ts'
import { membersOf } from '../../http/head.ts'
import type { Field } from '../../http/head.ts'
import { fieldBeside, parametersBeside, slotsOf } from '../secrets/placeholders.ts'
import type { ParsedRequest } from './request.ts'

let made: Buffer | undefined
/** Fingerprints are compared in this process only: made when it runs, as its modules may come from a snapshot. */
const keyOfProcess = (): Buffer => (made ??= randomBytes(32))

/** A bundle has 512 MiB in all. */
const ROOM = new Room(64 * 1024 * 1024)

let shapes: ShapeScanner | undefined

/** Makes what the first request would have to wait for; once in a process. */
export function prepareShapes(): void {
  shapes ??= createShapeScanner()
}

/** Throws for detectors that cannot be searched for. */
export function detectorsFor(
  secrets: Readonly<Record<string, string>>,
  { placeholders = {}, canary, others, detectors }: Marks = {},
): Detectors {
  const further = detectors && scannerWith(detectors)
  const key = keyOfProcess()
  const known = [
    ...Object.entries(secrets).flatMap(([id, value]) => fingerprints(key, id, value)),
    ...Object.entries(placeholders).flatMap(([id, value]) =>
      fingerprints(key, id, value, `placeholder/${id}`),
    ),
    ...Object.values(others?.placeholders ?? {}).flatMap((value) =>
      fingerprints(key, 'of-another-bottle', value, 'placeholder/of-another-bottle'),
    ),
    ...(canary === undefined ? [] : fingerprints(key, 'canary', canary, 'canary')),
  ]
  return {
    known: new KnownSecrets(key, known, {
      key: Buffer.from(others?.key ?? '', 'hex'),
      prints: Object.values(others?.values ?? {}).flatMap((prints) => prints ?? []),
    }),
    get shapes() {
      return further ?? (shapes ??= createShapeScanner())
    },
  }
}

/** `fields` and `query`: what is left of the agent's own, as it will be sent. */
export function scanInput(
  request: ParsedRequest,
  route: RoutePolicy,
  fields: readonly Field[],
  query: string,
  placeholders?: Marks['placeholders'],
): ScanInput {
  const { authority, path, framing } = request
  // The one credential that an agent may send of its own looks like one.
  const shown =
    route.auth?.scheme === 'from-agent' ? fields.filter(({ key }) => !isCredentialField(key)) : fields
  const target = `${path}?${query}`
  let sent = `${authority.host}\n${target}\n`
  for (const { name, value } of shown) sent += `${name}: ${value}\n`
  const slots = slotsOf(route, placeholders)
  let given = `${authority.host}\n${path}\n${parametersBeside(slots, request.query)}\n`
  for (const field of request.fields) given += `${fieldBeside(slots, field)}\n`
  const carrier = { label: labelUnder(route, authority.host), target }
  if (framing.kind === 'none') return { sent, given, carrier }
  return {
    sent,
    given,
    carrier,
    body: {
      length: framing.kind === 'length' ? framing.length : undefined,
      encodings: membersOf(request.fields, 'content-encoding'),
    },
  }
}

/** The label that the agent chose, where the route is for every name under a zone. */
export const labelUnder = (route: RoutePolicy, host: string): string | undefined =>
  route.host.startsWith('*.') ? host.slice(0, host.length - route.host.length + 1) : undefined

/** Each rule once. */
export function oncePerRule(tell: (finding: Finding) => void): (finding: Finding) => void {
  let told: Set<string> | undefined
  return (finding) => {
    told ??= new Set()
    if (told.has(finding.rule)) return
    told.add(finding.rule)
    tell(finding)
  }
}

const DAY_MS = 86_400_000
let today = { number: Number.NaN, text: '' }

/** YYYY-MM-DD in UTC. */
export function dayOf(now: number): string {
  const number = Math.floor(now / DAY_MS)
  if (number !== today.number) today = { number, text: new Date(now).toISOString().slice(0, 10) }
  return today.text
}

export interface RequestAt {
  readonly path: string
  readonly today: string
  readonly warned?: (finding: Finding) => void
}

const NONE: ReadonlySet<string> = new Set()

const acceptedAt = (accepted: readonly AcceptedFinding[], path: string, today: string): ReadonlySet<string> =>
  new Set(
    accepted
      .filter((one) => (one.path ?? path) === path && (one.until ?? today) >= today)
      .map(({ rule }) => rule),
  )

/** `today`: as of `dayOf`; `warned`: told of what is masked, goes on, and says something of the agent. */
export function scanRules(
  detectors: Detectors,
  { dlp = DLP_DEFAULTS }: RoutePolicy,
  { path, today, warned }: RequestAt,
): ScanRules {
  const accepted = dlp.accepted === undefined ? NONE : acceptedAt(dlp.accepted, path, today)
  return {
    detectors: dlp.personal === true ? withPersonal(detectors) : detectors,
    dlp,
    room: ROOM,
    masked: (finding) => (finding.rule === 'canary' ? warned?.(finding) : undefined),
    accepted: (rule) => accepted.has(rule) || !controls.on(controlOf(rule)),
  }
}

const withPersonal = ({ known, shapes: tokens }: Detectors): Detectors => ({
  known,
  shapes: tokens,
  personal: personalIn,
})

function controlOf(rule: string): Control {
  if (rule === 'canary') return 'canary'
  if (rule.startsWith('inbound/')) return 'inbound-scan'
  return rule.startsWith('placeholder/') ? 'placeholder-slot' : 'outbound-scan'
}
