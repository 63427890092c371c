/** Plug-ins of one kind beside what is built in. Pure. */
import { quoted } from '../manifest/report.ts'
import { leftOut } from './left-out.ts'
import { isBroken, type BrokenPlugin, type Plugin, type PluginKind } from './plugin.ts'

export interface Merged {
  readonly used: readonly Plugin[]
  /** Also those of which nobody can tell the kind. */
  readonly leftOut: readonly BrokenPlugin[]
}

/** A plug-in with the name of a built-in one is used only where it says so. */
export function mergePlugins(
  kind: PluginKind,
  builtIn: readonly string[],
  found: readonly (Plugin | BrokenPlugin)[],
): Merged {
  const own = found.filter((one) => isBroken(one) || one.kind === kind)
  const judged = own.map((one) =>
    isBroken(one) || one.overrides || !builtIn.includes(one.name)
      ? one
      : leftOut(
          one,
          'plugin-shadows',
          `there is a ${kind} ${quoted(one.name)} in bot-bottle already`,
          'say `overrides: true` in plugin.yaml if it is to stand instead, or give it another name',
        ),
  )
  return {
    used: judged.flatMap((one) => (isBroken(one) ? [] : [one])),
    leftOut: judged.filter(isBroken),
  }
}
