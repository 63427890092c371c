/** Makes and removes the bundle of one bottle. It is configured over its control socket afterwards, never here. */
import { address } from '../../model/address.ts'
import { CONTROL_SOCKETS } from '../../model/control.ts'
import { DriverError } from '../../model/errors.ts'
import { digestOf } from '../../model/json.ts'
import { liveNames } from '../../model/names.ts'
import type { Action } from '../../model/plan.ts'
import { DIGEST_VERSION, type Resource } from '../../model/resource.ts'
import type { BundleSpec } from '../../resources/bundle/spec.ts'
import type { Effect } from '../../ports/driver.ts'
import { bundleBody } from './bodies.ts'
import type { ControlTarget } from './control.ts'
import type { InspectedContainer } from './decode.ts'
import { DOCKER_LABELS, labelsOf } from './labels.ts'
import { createContainer, ours, removeContainer, removeMarked, startContainer, type Site } from './place.ts'
import { readyOnSocket } from './ready.ts'
import { sidecars } from './sidecars.ts'
import { daemonUids, uidBlock } from './uids.ts'

export async function performBundle(site: Site, action: Action, signal: AbortSignal): Promise<Effect> {
  const bottle = action.bottle ?? ''
  const name = liveNames.bundle(site.stack, bottle)
  if (action.verb === 'remove') {
    await removeContainer(site, name)
    await removeMarked(site, { address: address.bundle(bottle) })
    return { did: 'removed' }
  }
  const { spec } = action.desired as Resource<BundleSpec>
  const holder = await runningHolder(site, bottle)
  const present = ours(site, 'container', await site.engine.container(name))
  if (
    present &&
    action.verb === 'update' &&
    ['live', 'record'].includes(action.impact) &&
    isJoined(present, holder)
  ) {
    return { did: 'kept', objectId: present.id }
  }
  if (present) await site.engine.removeContainer(present.id)
  const started = await makeBundle(site, bottle, name, spec, holder)
  await readyOnSocket(site, { ...bundleTarget(started.id, bottle), name }, signal)
  return { did: present ? 'recreated' : 'created', objectId: started.id }
}

export function bundleTarget(containerId: string, bottle: string): ControlTarget {
  return { what: `bundle of ${bottle}`, containerId, user: '0:0', socket: CONTROL_SOCKETS.supervisor }
}

function isJoined(bundle: InspectedContainer, holder: InspectedContainer): boolean {
  return (
    bundle.state.running &&
    bundle.hostConfig['NetworkMode'] === `container:${holder.id}` &&
    bundle.state.startedAt >= holder.state.startedAt
  )
}

async function runningHolder(site: Site, bottle: string): Promise<InspectedContainer> {
  const name = liveNames.holder(site.stack, bottle)
  const holder = ours(site, 'container', await site.engine.container(name))
  if (holder?.state.running === true) return holder
  throw new DriverError(`bundle of ${bottle} cannot start: ${name} does not run`, {
    code: 'holder-gone',
    hint: 'apply again: the plan makes the bottle first',
  })
}

/** Uids are by name; where another bundle has them the next block is taken. Looked at again after creation: two stacks may create at once. */
async function makeBundle(
  site: Site,
  bottle: string,
  name: string,
  spec: BundleSpec,
  holder: InspectedContainer,
): Promise<InspectedContainer> {
  const image = await sidecars(site.engine)
  const refused = new Set<number>()
  for (;;) {
    const uids = uidBlock(site.stack, bottle, new Set([...(await takenUids(site, name)).keys(), ...refused]))
    const labels = labelsOf({
      ...site,
      address: address.bundle(bottle),
      part: 'bundle',
      digest: { value: digestOf(spec), version: DIGEST_VERSION },
      imageDigest: image.inputDigest,
      imageId: image.id,
      uids,
      daemons: spec.daemons.join(','),
    })
    const body = bundleBody({
      image: image.tag,
      holderId: holder.id,
      labels,
      uplinkVolume: liveNames.uplinkSocket(site.stack),
      bottle,
      daemons: daemonUids(uids, spec.daemons),
    })
    await needVolume(site)
    const created = await createContainer(site, name, body, [])
    const other = (await takenUids(site, name)).get(uids)
    if (other === undefined || other > name) return startContainer(site, created, body, [])
    await site.engine.removeContainer(created.id)
    refused.add(uids)
  }
}

/** The engine would make a missing volume by itself, empty, owned by root and without marks. */
async function needVolume(site: Site): Promise<void> {
  const volume = liveNames.uplinkSocket(site.stack)
  if (ours(site, 'volume', await site.engine.volume(volume))) return
  throw new DriverError(`volume ${volume} of the uplink is gone`, {
    code: 'uplink-gone',
    hint: 'apply again: the plan makes the uplink first',
  })
}

/** First uid → name, of every bundle on the engine but this one. */
async function takenUids(site: Site, except: string): Promise<ReadonlyMap<number, string>> {
  const taken = new Map<number, string>()
  for (const { name, labels } of await site.engine.containers()) {
    const uids = Number(labels[DOCKER_LABELS.uids] || 0)
    if (uids > 0 && name !== except) taken.set(uids, name)
  }
  return taken
}
