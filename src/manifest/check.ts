/** All rules that a schema cannot say, over everything at once. Each definition is checked as written and as folded. */
import type { DriverName } from '../model/resource.ts'
import { checkBottle } from './checks/bottle.ts'
import { checkMcp, checkMcpTaken } from './checks/mcp.ts'
import { checkProvider } from './checks/provider.ts'
import type { Patterns } from './checks/patterns.ts'
import { checkRemotes, checkRequiredIdentity } from './checks/remotes.ts'
import { checkRoutes } from './checks/routes.ts'
import { checkUplink } from './checks/uplink.ts'
import type { KnownProviders } from './known-providers.ts'
import { at, entriesOf, entry, scalar, text } from './node.ts'
import { quoted, type Report } from './report.ts'
import type { ResolvedManifest } from './resolve.ts'

/** Its image would have the address of the sidecars'. */
const RESERVED_NAMES = new Set(['sidecars'])

export function checkManifest(
  resolved: ResolvedManifest,
  request: { readonly driver?: DriverName },
  providers: KnownProviders,
  report: Report,
  patterns: Patterns,
): void {
  const { root, live, definitions } = resolved
  const defaults = at(root, 'defaults')
  if (defaults) checkRoutes(defaults, report, patterns)
  for (const { key: name, place, value } of entriesOf(at(root, 'bottles'))) {
    if (RESERVED_NAMES.has(name))
      report.error('reserved-name', place, `${quoted(name)} is the name of an image of bot-bottle`)
    checkRoutes(value, report, patterns)
    if (
      request.driver !== undefined &&
      text(at(value, 'driver')) !== undefined &&
      text(at(value, 'driver')) !== request.driver
    ) {
      report.warning(
        'driver-declared',
        entry(value, 'driver')?.place ?? place,
        `${quoted(name)} says its driver itself; --driver ${request.driver} does not change it`,
      )
    }
  }
  for (const [name, tree] of definitions) {
    if (scalar(at(root, 'bottles', name, 'template')) !== true) {
      checkBottle(tree, report)
      checkProvider(tree, providers, report)
      checkMcp(tree, report)
      checkRemotes(tree, report)
    }
  }
  for (const { tree } of live) {
    checkBottle(tree, report)
    checkProvider(tree, providers, report)
    checkMcp(tree, report)
    checkMcpTaken(tree, providers, report)
    checkRemotes(tree, report)
    checkRequiredIdentity(tree, report)
  }
  checkUplink(at(root, 'uplink'), report)
  checkImageNames(resolved, report)
}

/** `image/NAME` of a ready image and `image/DEFINITION` of ours share one space of addresses. */
function checkImageNames({ live }: ResolvedManifest, report: Report): void {
  const ours = new Set([
    'sidecars',
    ...live.filter(({ tree }) => !entry(tree, 'image')).map(({ definition }) => definition),
  ])
  for (const { tree } of live) {
    const image = at(tree, 'image')
    const name = text(image)
    if (image && name !== undefined && ours.has(name))
      report.error(
        'reserved-name',
        image.place,
        `the image ${quoted(name)} has the name of a definition`,
        `write the tag too: ${name}:latest`,
      )
  }
}
