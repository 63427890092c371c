/** The agent program of a bottle, as far as its driver can hold one. */
import { address } from '../../model/address.ts'
import { DriverError } from '../../model/errors.ts'
import type { Resource } from '../../model/resource.ts'
import type { AgentProgram } from '../../ports/materials.ts'
import type { AttachRequest, Execution, ProgramRequest } from '../../ports/program.ts'
import type { Provided } from '../../manifest/providers.ts'
import type { StartRequest } from '../../model/provider.ts'
import { AGENT } from '../../resources/guest/environment.ts'
import type { ImageSpec } from '../../resources/image/spec.ts'
import type { DeclaredBottle, OpenBottle } from '../stack/bottle.ts'
import type { Stack } from '../stack/stack.ts'

export type ProgramState = 'idle' | 'running' | 'exited'

export async function programState({ driver, stack, name }: OpenBottle): Promise<ProgramState> {
  if (!driver.programStatus) throw unheld(driver.name)
  const { state } = await driver.programStatus(stack, name)
  return state === 'running' || state === 'exited' ? state : 'idle'
}

export async function startProgram(
  { driver, stack, name }: OpenBottle,
  request: ProgramRequest,
): Promise<void> {
  if (!driver.startProgram) throw unheld(driver.name)
  await driver.startProgram(stack, name, request)
}

export async function stopProgram({ driver, stack, name }: OpenBottle, graceSeconds: number): Promise<void> {
  if (!driver.stopProgram) throw unheld(driver.name)
  await driver.stopProgram(stack, name, graceSeconds)
}

/** On this terminal, or on none. */
export function providerProgram(
  provided: Provided,
  { hasPrompt = false }: DeclaredBottle,
  extra: readonly string[],
): Pick<ProgramRequest, 'argv' | 'cwd'> {
  const argv = provided.provider.start(startRequest(provided, hasPrompt, extra))
  return { argv, cwd: AGENT.workspace }
}

/** Where its last conversation ended. */
export function resumedProgram(
  provided: Provided,
  { hasPrompt = false }: DeclaredBottle,
  extra: readonly string[],
): Pick<ProgramRequest, 'argv' | 'cwd'> {
  const argv = provided.provider.resume(startRequest(provided, hasPrompt, extra))
  return { argv, cwd: AGENT.workspace }
}

export function headlessProgram(
  provided: Provided,
  { hasPrompt = false }: DeclaredBottle,
  task: { readonly prompt: string; readonly events: boolean },
  extra: readonly string[],
): Pick<ProgramRequest, 'argv' | 'cwd'> {
  const { events } = task
  const argv = provided.provider.headless(task.prompt, {
    ...startRequest(provided, hasPrompt, extra),
    events,
  })
  return { argv, cwd: AGENT.workspace }
}

/** What an apply starts, and starts again. */
export function agentProgram({ loaded }: Pick<Stack, 'loaded'>, bottle: string): AgentProgram | undefined {
  const provided = loaded?.provided(bottle)
  if (!provided) return undefined
  const { prompt, headless } = loaded?.provisions(bottle) ?? {}
  const request = startRequest(provided, prompt !== undefined, [])
  return {
    resume: provided.provider.resume(request),
    start: provided.provider.start(request),
    ...(headless && {
      headless: {
        argv: provided.provider.headless(headless.task, request),
        restart: headless.onExit === 'restart',
      },
    }),
  }
}

function startRequest({ settings }: Provided, hasPrompt: boolean, extra: readonly string[]): StartRequest {
  return { hasPrompt, extra, settings, home: AGENT.home }
}

/**
 * Without a provider: what a ready image (`image:`) starts by itself, to which arguments are what they are to
 * `docker run`; on the base image, and where the image names nothing, a shell.
 */
export async function ownProgram(
  bottle: OpenBottle,
  resources: readonly Resource[],
  extra: readonly string[],
): Promise<Pick<ProgramRequest, 'argv' | 'cwd'>> {
  const { driver, stack, name } = bottle
  const own = isReadyImage(name, resources) ? await driver.imageProgram?.(stack, name) : undefined
  const argv = own ? [...own.entrypoint, ...(extra.length > 0 ? extra : own.command)] : []
  if (own === undefined || argv.length === 0) return { argv: [...SHELL, ...extra] }
  return { argv, ...(own.cwd !== undefined && { cwd: own.cwd }) }
}

const SHELL = ['/bin/sh'] as const

/** `image: NAME` has that name in its address; what stands on a base image has its definition's. */
function isReadyImage(bottleName: string, resources: readonly Resource[]): boolean {
  const bottle = resources.find((resource) => resource.address === address.bottle(bottleName))
  const image = resources.find(
    (resource): resource is Resource<ImageSpec> =>
      resource.kind === 'image' && (bottle?.needs.includes(resource.address) ?? false),
  )
  return image !== undefined && image.address === address.image(image.spec.tag)
}

export async function attachProgram(
  { driver, stack, name }: OpenBottle,
  request: AttachRequest,
): Promise<Execution> {
  if (!driver.attachProgram) throw unheld(driver.name)
  return driver.attachProgram(stack, name, request)
}

function unheld(driver: string): DriverError {
  return new DriverError(`driver ${driver} holds no agent program`, {
    code: 'not-supported-yet',
    hint: 'bot-bottle exec runs one beside it',
  })
}
