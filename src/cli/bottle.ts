/** One live bottle by name, for the commands that work inside it. */
import { DriverError } from '../model/errors.ts'
import type { Driver } from '../ports/driver.ts'
import type { Invocation } from './invocation.ts'
import { openStack, selectedBottles } from './stack.ts'
import type { Stack } from './stack.ts'

export interface OpenBottle {
  readonly name: string
  readonly stack: string
  readonly driver: Driver
}

export async function openBottle(invocation: Invocation, name: string): Promise<OpenBottle> {
  const stack = await openStack(invocation)
  if (stack.loaded) selectedBottles([name], stack.loaded.desired.bottles)
  return { name, stack: stack.name, driver: stack.driver }
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

export async function liveBottles(stack: Stack): Promise<readonly string[]> {
  const { objects } = await stack.driver.observe(stack.name)
  return [
    ...new Set(
      objects
        .filter((object) => object.kind === 'bottle' && object.ownership === 'ours')
        .map((object) => object.address.slice('bottle/'.length)),
    ),
  ].sort()
}
