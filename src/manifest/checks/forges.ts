/** `provisioned_key.provider` of live bottles: a forge that there is, before anything is asked of it. */
import { at, entriesOf, text, type Node } from '../node.ts'
import { quoted, type Report } from '../report.ts'
import type { LiveBottle } from '../resolve.ts'
import { nearest } from '../suggest.ts'
import { warnPlugin, type PluginOrigin } from './plugin-used.ts'

/** Forges by the names that manifests use: those of the program, and what plug-ins add. */
export interface ForgeSource {
  readonly names: readonly string[]
  /**
   * Of one of the names; `undefined`: it is built in. In words, `unusable`: why it cannot be spoken to; `leftOut`: why
   * the built-in one is used, and no plug-in that has its name.
   */
  plugin(
    name: string,
  ): PluginOrigin | { readonly unusable: string } | { readonly leftOut: string } | undefined
}

export async function checkForges(
  live: readonly LiveBottle[],
  known: () => Promise<ForgeSource>,
  report: Report,
): Promise<void> {
  const written = live.flatMap(({ tree }) => forgesNamed(tree))
  if (written.length === 0) return
  const source = await known()
  for (const node of written) checkForge(node, source, report)
}

const forgesNamed = (tree: Node): readonly Node[] =>
  entriesOf(at(tree, 'git', 'remotes')).flatMap(({ value }) => at(value, 'provisioned_key', 'provider') ?? [])

function checkForge(written: Node, { names, plugin }: ForgeSource, report: Report): void {
  const name = text(written)
  if (name === undefined) return
  if (!names.includes(name)) {
    const near = nearest(name, names)
    report.error(
      'unknown-forge',
      written.place,
      `there is no forge ${quoted(name)}`,
      near === undefined ? `provider: ${names.join(', ')}` : `did you mean ${quoted(near)}?`,
    )
    return
  }
  const found = plugin(name)
  if (found && 'unusable' in found)
    report.error(
      'forge-unusable',
      written.place,
      `the forge ${quoted(name)} cannot be spoken to: ${found.unusable}`,
    )
  else if (found && 'leftOut' in found)
    report.warning(
      'plugin-left-out',
      written.place,
      `${quoted(name)} is the forge of this release; the plug-in of its name is left out: ${found.leftOut}`,
    )
  else if (found) warnPlugin(written.place, name, found, 'forge', report)
}
