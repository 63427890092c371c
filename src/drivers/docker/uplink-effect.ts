/** Makes and removes the stack's uplink: network, volume, container. */
import { address } from '../../model/address.ts'
import { digestOf } from '../../model/json.ts'
import { DriverError } from '../../model/errors.ts'
import { liveNames } from '../../model/names.ts'
import type { Action } from '../../model/plan.ts'
import { DIGEST_VERSION } from '../../model/resource.ts'
import type { Effect } from '../../ports/driver.ts'
import { uplinkBody } from './bodies.ts'
import { labelsOf } from './labels.ts'
import { networkDeviations, NETWORK_OPTIONS } from './observed.ts'
import { uplinkTarget } from './observe.ts'
import {
  createContainer,
  ours,
  removeContainer,
  removeMarked,
  removeVolume,
  startContainer,
  type Site,
} from './place.ts'
import { stepNames } from './engine-names.ts'
import { ensureUplinkVolume, removeUnusedTools } from './volumes.ts'
import { readyOnSocket } from './ready.ts'
import { sidecars } from './sidecars.ts'
import { together } from './together.ts'

export async function performUplink(site: Site, action: Action, signal: AbortSignal): Promise<Effect> {
  const name = liveNames.uplink(site.stack)
  if (action.verb === 'remove') return removeUplink(site)
  const present = ours(site, 'container', await site.engine.container(name))
  if (
    action.verb === 'update' &&
    present?.state.running === true &&
    (action.impact === 'live' || action.impact === 'record')
  ) {
    return { did: 'kept', objectId: present.id }
  }
  const image = await sidecars(site.engine)
  if (present) await site.engine.removeContainer(present.id)
  await together([ensureUplinkVolume(site, image.tag), ensureNetwork(site, name)])
  signal.throwIfAborted()
  const spec = action.desired?.spec
  const labels = labelsOf({
    ...site,
    address: address.uplink(),
    part: 'uplink',
    digest: { value: digestOf(spec), version: DIGEST_VERSION },
    imageDigest: image.inputDigest,
    imageId: image.id,
  })
  const body = uplinkBody({
    image: image.tag,
    network: name,
    labels,
    volume: liveNames.uplinkSocket(site.stack),
    stack: site.stack,
  })
  const created = await createContainer(site, name, body, [name])
  const started = await startContainer(site, created, body, [name])
  await readyOnSocket(site, { ...uplinkTarget(started.id), name }, signal)
  return { did: present ? 'recreated' : 'created', objectId: started.id }
}

/** Ours with other options is made anew: options of a network cannot change. */
async function ensureNetwork(site: Site, name: string): Promise<void> {
  const { engine } = site
  const found = ours(site, 'network', await engine.network(name))
  if (found && networkDeviations(found.options).length === 0) return
  if (found) await engine.removeNetwork(name)
  await engine.createNetwork(
    name,
    labelsOf({ ...site, address: address.uplink(), part: 'network' }),
    NETWORK_OPTIONS,
  )
  const made = ours(site, 'network', await engine.network(name))
  const wrong = networkDeviations(made?.options)
  if (wrong.length > 0)
    throw new DriverError(`network ${name}: ${wrong.join('; ')}`, { code: 'setting-ignored' })
}

async function removeUplink(site: Site): Promise<Effect> {
  const name = liveNames.uplink(site.stack)
  await removeContainer(site, name)
  await removeContainer(site, stepNames.uplink(site.stack))
  await removeMarked(site, { address: address.uplink() })
  if (ours(site, 'network', await site.engine.network(name))) await site.engine.removeNetwork(name)
  await removeVolume(site, liveNames.uplinkSocket(site.stack))
  await removeUnusedTools(site)
  return { did: 'removed' }
}
