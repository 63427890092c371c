/** One live bottle by name, for the commands that work inside it. */
import { DriverError } from '../../model/errors.ts'
import type { Resource } from '../../model/resource.ts'
import type { DetectorShapes } from '../../model/token-shape.ts'
import type { Provided } from '../../manifest/providers.ts'
import type { Driver } from '../../ports/driver.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { unreachable } from './world.ts'
import { openStack, selectedBottles } from './stack.ts'
import type { Stack } from './stack.ts'

export interface OpenBottle {
  readonly name: string
  readonly stack: string
  readonly driver: Driver
}

/** `resources`: what the manifest declares, where one was read. */
export interface DeclaredBottle extends OpenBottle {
  readonly resources?: readonly Resource[]
  /** Kinds of tokens that it looks for beside those that every bottle does. */
  readonly detectors?: DetectorShapes
  /** Its agent program, where it has one of a provider. */
  readonly provided?: Provided
  /** The manifest gives its agent a prompt. */
  readonly hasPrompt?: boolean
}

/** What `body` throws because the bottle is not there is said so: then starting it would not help. */
export async function withBottle<T>(
  invocation: Invocation,
  name: string,
  body: (bottle: DeclaredBottle) => Promise<T>,
): Promise<T> {
  const stack = await openStack(invocation)
  if (stack.loaded) selectedBottles([name], stack.loaded.desired.bottles)
  try {
    const resources = stack.loaded?.desired.resources
    const detectors = stack.loaded?.marks(name)?.detectors
    return await body({
      name,
      stack: stack.name,
      driver: stack.driver,
      ...(resources && { resources }),
      ...(detectors && { detectors }),
    })
  } catch (thrown) {
    if (!(thrown instanceof DriverError) || !NOT_RUNNING.has(thrown.code)) throw thrown
    const live = await liveBottles(stack)
    throw live.includes(name) ? thrown : notThere(name, stack, live)
  }
}

const NOT_RUNNING: ReadonlySet<string> = new Set(['agent-not-running', 'bottle-not-running', 'not-found'])

/** Declared, and not made yet; or named with `--stack` and unknown. */
export function notThere(name: string, { loaded }: Stack, live: readonly string[]): DriverError {
  return new DriverError(`bottle ${name} is not there`, {
    code: 'no-bottles',
    hint:
      loaded || live.length === 0
        ? `bot-bottle apply${loaded ? ` ${name}` : ''}`
        : `bottles: ${live.join(', ')}`,
  })
}

/** With what is declared, where a manifest was read. */
export async function openBottle(
  invocation: Invocation,
  name: string,
): Promise<DeclaredBottle & { readonly resources: readonly Resource[] }> {
  const stack = await openStack(invocation)
  if (stack.loaded) selectedBottles([name], stack.loaded.desired.bottles)
  const resources = stack.loaded?.desired.resources ?? []
  const provided = stack.loaded?.provided(name)
  const hasPrompt = stack.loaded?.provisions(name)?.prompt !== undefined
  const own = { name, stack: stack.name, driver: stack.driver, resources, hasPrompt }
  return { ...own, ...(provided && { provided }) }
}

/** The named ones, else all of the stack. */
export async function openBottles(
  invocation: Invocation,
  names: readonly string[],
): Promise<readonly OpenBottle[]> {
  const stack = await openStack(invocation)
  const known = stack.loaded?.desired.bottles ?? (await liveBottles(stack))
  const chosen = selectedBottles(names, known) ?? known
  if (chosen.length === 0)
    throw new DriverError(`stack ${stack.name} has no bottles`, {
      code: 'no-bottles',
      hint: 'bot-bottle status',
    })
  return chosen.map((name) => ({ name, stack: stack.name, driver: stack.driver }))
}

/** Names of bottles that have to be live. */
export async function theseLive(stack: Stack, names: readonly string[]): Promise<readonly string[]> {
  const live = await liveBottles(stack)
  const declared = stack.loaded?.desired.bottles ?? []
  const bottles = selectedBottles(names, [...live, ...declared]) ?? []
  const absent = bottles.find((bottle) => !live.includes(bottle))
  if (absent !== undefined) throw notThere(absent, stack, live)
  return bottles
}

export async function liveBottles(stack: Stack): Promise<readonly string[]> {
  const { objects, state } = await stack.driver.observe(stack.name)
  if (state.status === 'unreachable') throw unreachable(state)
  return [
    ...new Set(
      objects
        .filter((object) => object.kind === 'bottle' && object.ownership === 'ours')
        .map((object) => object.address.slice('bottle/'.length)),
    ),
  ].sort()
}
