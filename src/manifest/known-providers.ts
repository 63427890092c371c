/**
 * The providers that a manifest can name: those of the release, and of the user's plug-ins those that it does name. A
 * plug-in is code of the user, so it is said where one is used; one that is broken is said and left out.
 */
import type { KnownProvider, LeftOut, Providers } from '../model/providers.ts'
import { at, entry, text } from './node.ts'
import { quoted, type Report } from './report.ts'
import type { ResolvedManifest } from './resolve.ts'

export interface KnownProviders {
  /** All that a manifest could name. */
  readonly names: readonly string[]
  /** Loaded. */
  readonly byName: ReadonlyMap<string, KnownProvider>
  /** Asked for, and not to be had. */
  readonly leftOut: ReadonlyMap<string, LeftOut>
}

const NONE: KnownProviders = { names: [], byName: new Map(), leftOut: new Map() }

/** None, where no definition asks for one. */
export async function providersFor(
  { definitions, live }: ResolvedManifest,
  known: () => Promise<Providers>,
  report: Report,
): Promise<KnownProviders> {
  const asking = [...definitions.values(), ...live.map(({ tree }) => tree)].filter((tree) =>
    entry(tree, 'agent_provider'),
  )
  if (asking.length === 0) return NONE
  const asked = new Set(asking.flatMap((tree) => text(at(tree, 'agent_provider', 'template')) ?? []))
  const { builtIn, plugins, leftOut, find } = await known()
  const names = [...new Set([...builtIn, ...plugins])]
  const byName = new Map<string, KnownProvider>()
  const broken = [...leftOut]
  for (const name of names.filter((one) => builtIn.includes(one) || asked.has(one))) {
    const found = await find(name)
    if (found && 'diagnostics' in found) broken.push(found)
    else if (found) byName.set(name, found)
  }
  const missed = new Map(
    broken.filter(({ name }) => asked.has(name) && !byName.has(name)).map((one) => [one.name, one]),
  )
  for (const one of broken) if (!missed.has(one.name)) warnLeftOut(one, report)
  return { names, byName, leftOut: missed }
}

function warnLeftOut({ name, diagnostics: [first] }: LeftOut, report: Report): void {
  if (first)
    report.warning(
      'plugin-left-out',
      first.place,
      `the plug-in ${quoted(name)}: ${first.message}`,
      first.hint,
    )
}
