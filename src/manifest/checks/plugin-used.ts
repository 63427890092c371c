/** Says where a bottle uses a plug-in: planning runs its code. */
import type { Place } from '../../model/diagnostic.ts'
import type { ProviderOrigin } from '../../model/providers.ts'
import { quoted, type Report } from '../report.ts'

/** Where something that is not built in comes from. */
export type PluginOrigin = Pick<ProviderOrigin, 'version' | 'folder' | 'overrides'>

/** `kind`: what it stands for: `provider`, `forge`, `detector`. */
export function warnPlugin(
  place: Place,
  name: string,
  { folder, version, overrides }: PluginOrigin,
  kind: string,
  report: Report,
): void {
  if (overrides)
    report.warning(
      'plugin-overrides',
      place,
      `${quoted(name)} is the plug-in in ${quoted(folder)} (${version}), instead of the ${kind} of this release`,
      'its code runs here with your rights; the one of this release is back when the folder is away',
    )
  else
    report.warning(
      'plugin-used',
      place,
      `${quoted(name)} is the plug-in in ${quoted(folder)} (${version})`,
      'its code runs here with your rights',
    )
}
