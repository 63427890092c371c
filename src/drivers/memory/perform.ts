/**
 * Carries out one action in the memory world. Each is repeatable: after a crash, the same action ends in the same
 * world. What the engine is told to ignore is found when it is read back, and what was made of it is taken away.
 */
import { address } from '../../model/address.ts'
import { DriverError } from '../../model/errors.ts'
import { digestOf, equal } from '../../model/json.ts'
import type { Json } from '../../model/json.ts'
import type { Action } from '../../model/plan.ts'
import type { Resource } from '../../model/resource.ts'
import { fingerprintOf } from '../../model/x509.ts'
import type { Effect, EffectContext } from '../../ports/driver.ts'
import { changesGitAlone, gitConfig } from '../../resources/guest/git.ts'
import type { GuestSpec } from '../../resources/guest/spec.ts'
import { newId, stackIn } from './world.ts'
import type { Fields, LiveBottle, LiveStack, World, WorldState } from './world.ts'

export interface Settings {
  /** Fields of a bottle or bundle that the engine takes without an error and does not set. */
  readonly ignored: ReadonlySet<string>
  /** Between the parts of an effect that is made of several calls of an engine. */
  readonly between: () => void
  readonly now: () => string
}

export async function perform(
  world: World,
  action: Action,
  context: EffectContext,
  settings: Settings,
): Promise<Effect> {
  switch (action.kind) {
    case 'image':
      return world.change((state) => image(state, action))
    case 'uplink':
      return world.change((state) => uplink(state, action, context, settings))
    case 'bottle':
      return bottle(world, action, context, settings)
    case 'bundle':
      return world.change((state) => bundle(state, action, context, settings))
    case 'guest':
      return guest(world, action, context)
    default:
      throw new DriverError(`${action.address}: kind ${action.kind} is not carried out by a driver`, {
        code: 'kind-not-carried-out',
      })
  }
}

function image(state: WorldState, action: Action): Effect {
  const id = newId(state)
  state.images[action.address] = { id, fields: specOf(action) }
  return { did: 'built', objectId: id }
}

function uplink(
  state: WorldState,
  action: Action,
  { stack, installation }: EffectContext,
  { now }: Settings,
): Effect {
  const live = stackIn(state, stack)
  if (action.verb === 'remove') {
    delete state.stacks[stack]
    const rest = { ...live, bottles: live.bottles, bundles: live.bundles }
    delete rest.uplink
    delete rest.record
    if (!isEmpty(rest)) state.stacks[stack] = rest
    return { did: 'removed' }
  }
  refuseStranger(live, action)
  const { image: made, version } = specOf(action)
  const id = newId(state)
  live.uplink = {
    id,
    installation,
    fields: { image: made ?? null, hardening: 'as-created', running: true },
    version: String(version),
    startedAt: now(),
    tables: {},
  }
  return { did: didOf(action), objectId: id }
}

/** Holder and agent container are two calls of an engine: between them a crash leaves a holder alone. */
function bottle(world: World, action: Action, context: EffectContext, settings: Settings): Effect {
  const name = action.bottle ?? ''
  const { stack, installation } = context
  if (action.verb === 'remove') {
    world.change((state) => {
      const live = stackIn(state, stack)
      delete live.bottles[name]
      if (isEmpty(live)) delete state.stacks[stack]
    })
    return { did: 'removed' }
  }
  const newHolder = action.verb === 'create' || action.impact === 'recreate-holder'
  world.change((state) => {
    const live = stackIn(state, stack)
    refuseStranger(live, action)
    const present: LiveBottle = live.bottles[name] ?? { installation, volumes: newId(state) }
    live.bottles[name] =
      newHolder || !present.holder
        ? { ...present, holder: { id: newId(state), state: 'only-loopback' } }
        : present
    if (action.verb !== 'update') delete live.bottles[name].agent
  })
  settings.between()
  return world.change((state) => {
    const live = stackIn(state, stack).bottles[name]
    if (!live) throw new DriverError(`${action.address} went away meanwhile`, { code: 'object-gone' })
    const { label: _, color: __, holder: ___, ...wanted } = specOf(action)
    const id = action.verb === 'update' && live.agent ? live.agent.id : newId(state)
    live.agent = { ...live.agent, id, fields: withoutIgnored(wanted, settings) }
    readBack(action, wanted, live.agent.fields)
    return { did: didOf(action), objectId: id }
  })
}

function bundle(
  state: WorldState,
  action: Action,
  { stack, installation }: EffectContext,
  settings: Settings,
): Effect {
  const name = action.bottle ?? ''
  const live = stackIn(state, stack)
  if (action.verb === 'remove') {
    delete live.bundles[name]
    if (isEmpty(live)) delete state.stacks[stack]
    return { did: 'removed' }
  }
  refuseStranger(live, action)
  const holderId = live.bottles[name]?.holder?.id
  if (holderId === undefined)
    throw new DriverError(`${action.address}: bottle ${name} has no holder to join`, { code: 'holder-gone' })
  const { image: made, daemons, version } = specOf(action)
  const wanted: Fields = {
    image: made ?? null,
    daemons: daemons ?? [],
    hardening: 'as-created',
    running: true,
  }
  const id = newId(state)
  const fields = withoutIgnored(wanted, settings)
  readBack(action, wanted, fields)
  live.bundles[name] = {
    id,
    installation,
    holderId,
    fields,
    version: String(version),
    startedAt: settings.now(),
  }
  return { did: didOf(action), objectId: id }
}

async function guest(world: World, action: Action, { stack, materials }: EffectContext): Promise<Effect> {
  const name = action.bottle ?? ''
  const root = fingerprintOf(await materials.rootCertificate(name))
  const next = await materials.nextRootCertificate?.(name)
  const names = [...materials.environment(name).keys()].sort()
  const { env, git, prompt, skills, mcp, headless, onExit } = (action.desired as Resource<GuestSpec>).spec
  const given = materials.provisions?.(name)
  if (prompt !== undefined && given?.prompt === undefined && !changesGitAlone(action))
    throw new DriverError(`${action.address}: the prompt is not at hand`, { code: 'provisions-missing' })
  const missing = Object.keys(env).filter((variable) => !names.includes(variable))
  if (missing.length > 0 && !changesGitAlone(action))
    throw new DriverError(`${action.address}: no value for ${missing.join(', ')}`, {
      code: 'environment-missing',
    })
  return world.change((state) => {
    const live = stackIn(state, stack)
    const agent = live.bottles[name]?.agent
    if (!agent || !live.bundles[name])
      throw new DriverError(`${action.address}: ${address.bottle(name)} is not there`, {
        code: 'object-gone',
      })
    const nextRoot = next === undefined ? undefined : fingerprintOf(next)
    const fields: Fields = {
      env: env as unknown as Json,
      root,
      ...(nextRoot !== undefined && { nextRoot }),
      ...(git && { git: git as unknown as Json, gitFile: digestOf(gitConfig(git)) }),
      ...(prompt && { prompt: prompt as unknown as Json }),
      ...(skills && { skills: skills as unknown as Json }),
      ...(mcp && { mcp: mcp as unknown as Json }),
      ...(headless && { headless: headless as unknown as Json }),
      ...(onExit && { onExit }),
      probe: 'passed',
    }
    agent.guest = fields
    if (git) agent.gitConfig = gitConfig(git)
    else delete agent.gitConfig
    return { did: 'provisioned', objectId: agent.id, fields }
  })
}

function specOf(action: Action): Readonly<Record<string, Json | undefined>> & Fields {
  return (action.desired?.spec ?? {}) as Fields
}

function didOf(action: Action): string {
  switch (action.verb) {
    case 'create':
      return 'created'
    case 'update':
      return 'updated'
    default:
      return 'recreated'
  }
}

function withoutIgnored(fields: Fields, { ignored }: Settings): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !ignored.has(field)))
}

function readBack(action: Action, wanted: Fields, found: Fields): void {
  const [lost] = Object.keys(wanted).filter((field) => !equal(wanted[field], found[field]))
  if (lost === undefined) return
  throw new DriverError(`${action.address}: the engine took \`${lost}\` and did not set it`, {
    code: 'setting-ignored',
    hint: 'bot-bottle starts nothing whose settings are not in force; `bot-bottle doctor` checks the engine',
  })
}

function refuseStranger(live: LiveStack, action: Action): void {
  const stranger = live.strangers.find((object) => object.address === action.address)
  if (!stranger) return
  throw new DriverError(`${action.address}: its name is taken by ${stranger.owner ?? stranger.id}`, {
    code: 'name-taken',
    hint: 'rename or remove that object, or choose another stack name',
  })
}

function isEmpty(live: LiveStack): boolean {
  return (
    !live.uplink &&
    !live.record &&
    Object.keys(live.bottles).length === 0 &&
    Object.keys(live.bundles).length === 0 &&
    live.strangers.length === 0
  )
}
