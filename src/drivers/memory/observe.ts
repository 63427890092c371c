/** One look at the memory world, in the shape in which every driver tells it. Never writes. */
import { randomBytes } from 'node:crypto'
import { address, parseAddress } from '../../model/address.ts'
import { digestOf, type Json } from '../../model/json.ts'
import type { Observed } from '../../model/resource.ts'
import type { DriverObservation } from '../../ports/driver.ts'
import { uplinkStatus } from './daemons.ts'
import type { LiveBottle, LiveBundle, LiveStack, LiveUplink, WorldState } from './world.ts'

export function observeWorld(state: WorldState, stack: string, installation: string): DriverObservation {
  const live = state.stacks[stack]
  const own = (object: { readonly installation: string }) =>
    object.installation === installation
      ? ({ ownership: 'ours' } as const)
      : ({ ownership: 'other-installation', owner: `installation ${object.installation}` } as const)
  const uplink = live && answerOf(live)
  return {
    state: { status: 'observed', engine: 'memory 1', endpoint: 'this process' },
    engineId: state.engineId,
    objects: [
      ...Object.entries(state.images).flatMap(([at, { id, fields }]) => imageObject(at, id, fields)),
      ...(live?.uplink ? [{ ...uplinkObject(live.uplink), ...own(live.uplink) }] : []),
      ...Object.entries(live?.bottles ?? {}).map(([name, bottle]) => ({
        ...bottleObject(name, bottle),
        ...own(bottle),
      })),
      ...Object.entries(live?.bundles ?? {}).map(([name, bundle]) => ({
        ...bundleObject(name, bundle, live?.bottles[name]),
        ...own(bundle),
      })),
      ...(live?.strangers ?? []),
    ],
    unknown: [],
    ...(uplink && { uplink }),
    guests: Object.fromEntries(
      Object.entries(live?.bottles ?? {}).flatMap(([name, { agent }]) =>
        agent?.gitConfig === undefined ? [] : [[name, { gitFile: digestOf(agent.gitConfig) }]],
      ),
    ),
  }
}

function answerOf(live: LiveStack): DriverObservation['uplink'] {
  if (!live.uplink)
    return live.record ? { unknown: 'the uplink is gone, and with it the way to its record' } : undefined
  if (live.uplink.fields['running'] !== true) return { unknown: 'the uplink is stopped' }
  const nonce = randomBytes(32).toString('hex')
  return { nonce, status: uplinkStatus(live, nonce) }
}

const common = { driver: 'memory', ownership: 'ours', health: 'ok' } as const

function imageObject(at: string, id: string, fields: Observed['fields']): Observed[] {
  const parsed = parseAddress(at)
  return parsed ? [{ ...common, address: parsed.address, kind: 'image', id, fields }] : []
}

function uplinkObject({ id, fields, startedAt }: LiveUplink): Observed {
  return { ...common, address: address.uplink(), kind: 'uplink', id, fields, createdAt: startedAt }
}

function bottleObject(name: string, { holder, agent, volumes }: LiveBottle): Observed {
  const holderState: Json = holder?.state ?? 'gone'
  return {
    ...common,
    address: address.bottle(name),
    kind: 'bottle',
    id: agent?.id ?? holder?.id ?? volumes,
    fields: { running: false, ...agent?.fields, holder: holderState },
  }
}

function bundleObject(name: string, bundle: LiveBundle, bottle: LiveBottle | undefined): Observed {
  const namespace = bottle?.holder?.id === bundle.holderId ? 'holder' : 'another holder'
  return {
    ...common,
    address: address.bundle(name),
    kind: 'bundle',
    id: bundle.id,
    fields: { ...bundle.fields, namespace },
    createdAt: bundle.startedAt,
  }
}
