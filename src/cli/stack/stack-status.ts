/** Puts the status of a stack together from one look at the world and, with a manifest, the plan. */
import { address } from '../../model/address.ts'
import type { Observed } from '../../model/resource.ts'
import { plan } from '../../reconcile/plan.ts'
import type { PlanOptions } from '../../reconcile/plan.ts'
import type { BottleStatus, StackStatus } from '../../render/status.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { isUnasked, keyNotes } from '../secrets/key-notes.ts'
import { programState } from '../program/program.ts'
import { guestStatus } from './guest-status.ts'
import type { Stack } from './stack.ts'
import { look } from './world.ts'
import type { World } from './world.ts'

export async function stackStatus(
  stack: Stack,
  options: PlanOptions,
  { io }: Pick<Invocation, 'io'>,
): Promise<StackStatus> {
  const [world, memory, frozen = []] = await Promise.all([
    look(stack, stack.loaded?.desired ?? { secrets: {}, resources: [] }, io),
    // Beside the point when the rest is known, and no reason to fail.
    stack.driver.memory?.(stack.name).catch(() => undefined),
    stack.driver.frozen?.(stack.name).catch(() => undefined),
  ])
  const { snapshot } = world
  const differing = stack.loaded && plan({ desired: stack.loaded.desired, snapshot, options }).actions
  const live = snapshot.objects.filter((object) => object.kind === 'bottle' && object.ownership === 'ours')
  const declared = stack.loaded?.desired.bottles ?? []
  const names = [
    ...declared,
    ...live
      .map(({ address: at }) => at.slice('bottle/'.length))
      .filter((name) => !declared.includes(name))
      .sort(),
  ]
  const bottles = await Promise.all(
    names.map(async (name): Promise<BottleStatus> => {
      const object = live.find((candidate) => candidate.address === address.bottle(name))
      const used = memory?.get(name)
      const last = frozen.findLast((image) => image.bottle === name)
      const agent = object?.health === 'ok' ? await agentWords(stack, name) : undefined
      return {
        ...bottleStatus(name, object, stack, world),
        ...(agent !== undefined && { agent }),
        ...(used && { memory: used }),
        ...(last && { frozen: { reference: last.reference, createdAt: last.createdAt } }),
        ...(differing && {
          differing: differing.filter((action) => action.bottle === name).map((action) => action.address),
        }),
      }
    }),
  )
  const unasked = new Set(
    world.keys?.forges.filter(isUnasked).flatMap(({ addresses }) => addresses as readonly string[]),
  )
  const keys = snapshot.objects.filter(
    (object) =>
      object.kind === 'key' && object.fields['listed'] === 'present' && !unasked.has(object.address),
  )
  const oldest = keys
    .map(({ createdAt }) => createdAt)
    .filter((at) => at !== undefined)
    .sort()[0]
  const uplink = snapshot.objects.find((object) => object.kind === 'uplink' && object.ownership === 'ours')
  return {
    stack: stack.name,
    now: snapshot.now,
    bottles,
    uplink: !uplink ? 'not there' : uplink.health === 'ok' ? 'ok' : uplink.health.wrong,
    unknown: [
      ...new Set(snapshot.unknown.map(({ reason }) => reason)),
      ...(world.keys ? keyNotes(world.keys) : []),
    ],
    compared: stack.loaded !== undefined,
    ...(keys.length > 0 && { keys: { live: keys.length, ...(oldest !== undefined && { oldest }) } }),
  }
}

function bottleStatus(
  name: string,
  object: Observed | undefined,
  stack: Stack,
  { snapshot, uplink, observation }: World,
): BottleStatus {
  const objects = snapshot.objects.filter((candidate) => candidate.ownership === 'ours')
  const bundle = objects.find((candidate) => candidate.address === address.bundle(name))
  const supervisor = uplink?.bottles[name]?.supervisor
  const egress = supervisor && 'daemons' in supervisor ? supervisor.daemons.egress?.egress : undefined
  const guest = objects.find((candidate) => candidate.address === address.guest(name))
  const mcpFailed = guest?.fields['mcpFailed']
  const declaring = stack.loaded?.desired.bottles.includes(name) ? stack.loaded : undefined
  const record = snapshot.record.status === 'present' ? snapshot.record.record.bottles[name] : undefined
  return {
    bottle: name,
    driver: stack.driverName,
    state: stateWords(
      object,
      bundle,
      record?.stopped === true,
      observation.state.status === 'observed',
      snapshot.objects.some(
        (candidate) =>
          candidate.address === address.bottle(name) && candidate.ownership === 'other-installation',
      ),
    ),
    routes: objects.filter(
      (candidate) => candidate.kind === 'route' && candidate.address.startsWith(`route/${name}/`),
    ).length,
    remotes: objects.filter(
      (candidate) => candidate.kind === 'remote' && candidate.address.startsWith(`remote/${name}/`),
    ).length,
    ...(guest && { guest: guestStatus(name, guest, declaring) }),
    ...(record?.label !== undefined && { label: record.label }),
    ...(egress && { refusedLastHour: egress.refusedLastHour }),
    ...(typeof mcpFailed === 'string' && { mcpFailed }),
    ...(egress?.canaryAt !== undefined && { canaryAt: egress.canaryAt }),
    ...(object?.createdAt !== undefined && { createdAt: object.createdAt }),
  }
}

function stateWords(
  bottle: Observed | undefined,
  bundle: Observed | undefined,
  stopped: boolean,
  known: boolean,
  foreign: boolean,
): string {
  if (!known) return 'unknown'
  if (!bottle) return foreign ? "another installation's" : 'not there'
  if (stopped) return 'stopped'
  if (bottle.health !== 'ok') return bottle.health.wrong
  if (!bundle) return 'bundle is gone'
  return bundle.health === 'ok' ? 'ready' : `bundle: ${bundle.health.wrong}`
}

async function agentWords(stack: Stack, name: string): Promise<string | undefined> {
  if (!stack.driver.programStatus) return undefined
  const state = await programState({ name, stack: stack.name, driver: stack.driver }).catch(() => undefined)
  return state === 'running' ? 'working' : state
}
