/** What one stack has on the engine: containers, volumes, the network, sorted by place and by whose they are. Read-only. */
import type { InspectedContainer, InspectedImage, InspectedNetwork, NamedObject } from './decode.ts'
import type { Engine } from './calls.ts'
import { placeOfLabels, placeOfName, type Place } from './engine-names.ts'
import { isOfStack, ownershipOf, type Part } from './labels.ts'
import { LABELS } from '../../model/names.ts'
import { safeText } from '../../model/text.ts'
import type { Ownership } from '../../model/resource.ts'

/** One engine object with its place. */
export interface Found<T> {
  readonly place: Place
  readonly ownership: Ownership
  readonly owner?: string
  readonly object: T
}

export interface StackWorld {
  readonly containers: readonly Found<InspectedContainer>[]
  readonly volumes: readonly Found<NamedObject>[]
  readonly networks: readonly Found<InspectedNetwork>[]
  /** Containers of anybody in the namespace of another, by that one's id: names. */
  readonly joiners: ReadonlyMap<string, readonly { readonly id: string; readonly name: string }[]>
  /** Images of our containers, by engine id. */
  readonly images: ReadonlyMap<string, InspectedImage>
}

export interface Owner {
  readonly stack: string
  readonly installation: string
}

export async function readWorld(engine: Engine, { stack, installation }: Owner): Promise<StackWorld> {
  const [listed, volumes, networks] = await Promise.all([
    engine.containers(),
    engine.volumes(),
    engine.networks(),
  ])
  const placed = <T extends { readonly name: string; readonly labels: Readonly<Record<string, string>> }>(
    objects: readonly T[],
  ): readonly Found<T>[] =>
    objects.flatMap((object) => {
      const byName = placeOfName(stack, object.name)
      const place =
        byName ?? (object.labels[LABELS.stack] === stack ? placeOfLabels(object.labels) : undefined)
      return place ? [{ place, ...ownershipOf(object.labels, stack, installation), object }] : []
    })
  const inspected = await Promise.all(
    placed(listed).map(async (found) => {
      const object = await engine.container(found.object.id)
      return object ? { ...found, object } : undefined
    }),
  )
  const containers = inspected.filter((found) => found !== undefined)
  // The list of networks does not say who is on them.
  const attached = await Promise.all(
    placed(networks).map(async (found) => {
      const object = await engine.network(found.object.id)
      return object ? { ...found, object } : undefined
    }),
  )
  const imageIds = [
    ...new Set(
      containers.filter(({ ownership }) => isOfStack(ownership)).map(({ object }) => object.imageId),
    ),
  ]
  const images = await Promise.all(imageIds.map(async (id) => [id, await engine.image(id)] as const))
  return {
    containers,
    volumes: placed(volumes),
    networks: attached.filter((found) => found !== undefined),
    joiners: joinersOf(listed),
    images: new Map(images.flatMap(([id, image]) => (image ? [[id, image] as const] : []))),
  }
}

function joinersOf(
  listed: readonly { readonly id: string; readonly name: string; readonly networkMode: string }[],
): StackWorld['joiners'] {
  const joiners = new Map<string, { readonly id: string; readonly name: string }[]>()
  for (const { id, name, networkMode } of listed) {
    const owner = /^container:(.+)$/.exec(networkMode)?.[1]
    if (owner !== undefined) joiners.set(owner, [...(joiners.get(owner) ?? []), { id, name }])
  }
  return joiners
}

/** Our container of one place. Two are possible after a rename by hand; the one with the right name counts. */
export function own(
  world: StackWorld,
  part: Part,
  bottle: string | undefined,
  name: string,
): InspectedContainer | undefined {
  const ours = world.containers.filter(
    (found) => isOfStack(found.ownership) && found.place.part === part && found.place.bottle === bottle,
  )
  return (ours.find(({ object }) => object.name === name) ?? ours[0])?.object
}

/** Containers with the marks of a place but not its name: renamed by hand, or one too many. They are found by nobody who looks by name. */
export function misnamed(
  world: StackWorld,
  part: Part,
  bottle: string | undefined,
  name: string,
): readonly string[] {
  return world.containers
    .filter(({ ownership, place }) => isOfStack(ownership) && place.part === part && place.bottle === bottle)
    .filter(({ object }) => object.name !== name)
    .map(({ object }) => `container ${safeText(object.name)} has its marks`)
}
