/** Routes of a bottle as they stand in the manifest, presets expanded; references to secrets as they are written. */
import { placeText } from '../../model/diagnostic.ts'
import { routeIdentity, routeName } from '../../manifest/merge.ts'
import { at, itemsOf, plain } from '../../manifest/node.ts'
import type { LoadedManifest } from '../../manifest/load.ts'
import type { WrittenRoute } from './suggest-policy.ts'

export function writtenIn({ resolved }: LoadedManifest, bottle: string): WrittenRoute {
  const tree = resolved.live.find(({ name }) => name === bottle)?.tree
  return (route) => {
    const item = itemsOf(at(tree, 'egress', 'routes')).find(
      ({ value }) => routeIdentity(value) === routeName(route),
    )
    const written = item && plain(item.value)
    if (!item || typeof written !== 'object' || written === null || Array.isArray(written)) return undefined
    const place = item.asked ?? at(item.value, 'host')?.place ?? item.value.place
    return { written: written as { readonly [key: string]: typeof written }, place: placeText(place) }
  }
}
