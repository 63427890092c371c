/** The Docker driver: containers with a shared namespace behind the port of `ports/driver.ts`. */
import type { Driver, Lease } from '../../ports/driver.ts'
import { createActuator } from './actuator.ts'
import { doctor } from './doctor.ts'
import { chooseEndpoint } from './endpoint.ts'
import type { Engine } from './calls.ts'
import { openEngine } from './engine.ts'
import { stackEvents } from './events.ts'
import { frozenImages } from './freeze/frozen-images.ts'
import { programVersion } from './images/inputs.ts'
import { LABELS } from '../../model/names.ts'
import { memoryOfBottles } from './memory.ts'
import { bundleMetrics } from './metrics.ts'
import { observeStack } from './observe.ts'
import { bottleLogs, createSessions, type Sessions } from './sessions.ts'
import type { Site } from './place.ts'
import { removeUnused, unusedOf } from './unused.ts'

export { sidecarsImage } from './images/inputs.ts'
export { baseImage, DEFAULT_BASE } from './images/recipe.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface DockerOptions {
  /** Whose objects are ours; default: that of the program's own folder. */
  readonly installation?: string
  /** For tests: an engine that is there already. */
  readonly engine?: Engine
}

/** Driver of one engine, chosen by the environment; nothing is asked before the first call. */
export type DockerDriver = Driver & Sessions

export function dockerDriver(env: Environment, options: DockerOptions = {}): DockerDriver {
  let opened = options.engine
  const engine = () => (opened ??= openEngine(chooseEndpoint(env)))
  let installation = options.installation === undefined ? undefined : Promise.resolve(options.installation)
  const whose = () =>
    (installation ??= import('../../state/home.ts').then(({ openHome }) => openHome({ env }).installation))
  const site = async (stack: string): Promise<Site> => ({
    engine: engine(),
    stack,
    installation: await whose(),
    program: programVersion(),
  })
  return {
    name: 'docker',
    engineId: async () => (await engine().info()).id,
    observe: async (stack) => observeStack(engine(), { stack, installation: await whose() }),
    actuator: (lease: Lease) => createActuator(lease, () => site(lease.stack)),
    ...createSessions(site),
    logs: async (stack, bottle, of, logOptions) => bottleLogs(await site(stack), bottle, of, logOptions),
    metrics: async (stack, bottle, signal) => bundleMetrics(await site(stack), bottle, signal),
    events: (stack, signal) => stackEvents(engine(), stack, signal),
    memory: (stack) => memoryOfBottles(engine(), stack),
    frozen: (stack) => frozenImages(engine(), stack),
    unused: async (question) => unusedOf(engine(), await whose(), question),
    removeUnused: (unused) => removeUnused(engine(), unused),
    stacks: async () => stacksOf(engine(), await whose()),
    doctor: () => doctor(engine()),
  }
}

async function stacksOf(engine: Engine, installation: string): Promise<readonly string[]> {
  const objects = (await Promise.all([engine.containers(), engine.volumes(), engine.networks()])).flat()
  const ours = objects.filter(({ labels }) => labels[LABELS.installation] === installation)
  return [...new Set(ours.map(({ labels }) => labels[LABELS.stack] ?? ''))]
    .filter((stack) => stack !== '')
    .sort()
}
