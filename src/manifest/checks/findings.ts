/** `egress.allow_findings`: entries that accept nothing, because of their rule, their day or their host. */
import { detectorRule } from '../../model/token-shape.ts'
import type { DetectorShapes } from '../../model/token-shape.ts'
import { readHost } from '../hosts.ts'
import { at, itemsOf, text, type Node } from '../node.ts'
import { quoted, type Report } from '../report.ts'
import type { ResolvedManifest } from '../resolve.ts'
import { nearest } from '../suggest.ts'

export interface FindingRequest {
  /** YYYY-MM-DD in UTC. */
  readonly today: string
  /** Rules that scanning knows; asked for only where a manifest accepts a finding. */
  findingRules(): Promise<readonly string[]>
}

/** With presets expanded: their hosts are routes too. `detectors`: by bottle. */
export async function checkFindings(
  { live }: ResolvedManifest,
  detectors: ReadonlyMap<string, DetectorShapes>,
  request: FindingRequest,
  report: Report,
): Promise<void> {
  const bottles = live.flatMap(({ name, tree }) => {
    const findings = itemsOf(at(tree, 'egress', 'allow_findings')).map(({ value }) => value)
    return findings.length === 0 ? [] : [{ name, findings, hosts: hostsOf(tree) }]
  })
  if (bottles.length === 0) return
  const everywhere = await request.findingRules()
  for (const { name, findings, hosts } of bottles) {
    const rules = new Set([...everywhere, ...rulesOf(detectors.get(name) ?? {})])
    for (const finding of findings) {
      checkRule(at(finding, 'rule'), rules, report)
      checkDay(at(finding, 'until'), request.today, report)
      checkRoute(at(finding, 'host'), hosts, name, report)
    }
  }
}

const rulesOf = (detectors: DetectorShapes): readonly string[] =>
  Object.entries(detectors).flatMap(([name, shapes]) => shapes.map(({ id }) => detectorRule(name, id)))

function checkRule(rule: Node | undefined, rules: ReadonlySet<string>, report: Report): void {
  const written = rule && text(rule)
  if (rule === undefined || written === undefined || rules.has(written) || OF_A_VALUE.test(written)) return
  const near = nearest(written, rules) ?? [...rules].find((known) => known.endsWith(`/${written}`))
  report.warning(
    'unknown-finding-rule',
    rule.place,
    `no finding has the rule ${quoted(written)}: this accepts nothing`,
    near === undefined
      ? 'the refusal, and `logs --egress`, say the rule of a finding'
      : `did you mean ${quoted(near)}?`,
  )
}

/** Findings of a known value have its name in their rule. */
const OF_A_VALUE = /^(?:secret|placeholder)\/./

function checkDay(until: Node | undefined, today: string, report: Report): void {
  const day = until && text(until)
  if (until === undefined || day === undefined || day >= today) return
  report.warning(
    'finding-expired',
    until.place,
    `this accepts nothing since the end of ${day}`,
    'take the entry out, or name a later day',
  )
}

function checkRoute(
  host: Node | undefined,
  hosts: ReadonlySet<string>,
  bottle: string,
  report: Report,
): void {
  const written = host && text(host)
  const read = written === undefined ? undefined : hostOf(written)
  if (host === undefined || written === undefined || read === undefined || hosts.has(read)) return
  const wildcard = read.replace(/^[^.]+/, '*')
  const near = hosts.has(wildcard) ? wildcard : nearest(read, hosts)
  report.warning(
    'finding-without-route',
    host.place,
    `${quoted(bottle)} has no route for ${quoted(written)}: this accepts nothing`,
    near === undefined ? 'name the host as its route does' : `did you mean ${quoted(near)}?`,
  )
}

function hostsOf(tree: Node): ReadonlySet<string> {
  return new Set(
    itemsOf(at(tree, 'egress', 'routes')).flatMap(({ value }) => hostOf(text(at(value, 'host')) ?? '') ?? []),
  )
}

function hostOf(written: string): string | undefined {
  const reading = readHost(written)
  return 'host' in reading ? reading.host : undefined
}
