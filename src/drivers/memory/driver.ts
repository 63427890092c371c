/**
 * The memory driver: the port of `src/ports/driver.ts` over a plain value. It behaves as the real ones do where the
 * conformance suite looks; a difference there is an error here.
 */
import { PassThrough } from 'node:stream'
import { DriverError } from '../../model/errors.ts'
import type { Driver, EngineEvent, Lease } from '../../ports/driver.ts'
import type { Execution } from '../../ports/program.ts'
import { answerSupervisor, answerUplink, bundleMetrics } from './daemons.ts'
import { faults as newFaults } from './faults.ts'
import type { Faults } from './faults.ts'
import { observeWorld } from './observe.ts'
import { perform } from './perform.ts'
import { stackIn } from './world.ts'
import type { World } from './world.ts'

export interface MemoryOptions {
  readonly world: World
  /** Whose objects are ours. */
  readonly installation: string
  readonly faults?: Faults
  /** Fields that the engine silently ignores. */
  readonly ignored?: ReadonlySet<string>
  /** Awaited before every call with an effect; a test orders them with it. */
  readonly gate?: (call: string) => Promise<void>
  /** Told of each call with an effect, as it starts. */
  readonly onCall?: (call: string) => void
  /** ISO 8601. */
  readonly now?: () => string
}

export function memoryDriver(options: MemoryOptions): Driver {
  const { world, installation } = options
  const faults = options.faults ?? newFaults()
  const now = options.now ?? (() => new Date().toISOString())

  /** One call with an effect, with everything a test may do to it. */
  const effect = async <T>(lease: Lease, call: string, run: () => T | Promise<T>): Promise<T> => {
    if (!lease.held)
      throw new DriverError(`${call}: the lock of stack ${lease.stack} is not held`, { code: 'lease-lost' })
    options.onCall?.(call)
    await options.gate?.(call)
    faults.check(call, 'before')
    const result = await run()
    faults.check(call, 'after')
    return result
  }

  return {
    name: 'memory',
    async engineId() {
      faults.check('engine', 'before')
      return world.read().engineId
    },
    async observe(stack) {
      try {
        faults.check('observe', 'before')
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        return { state: { status: 'unreachable', reason }, objects: [], unknown: [] }
      }
      return structuredClone(observeWorld(world.read(), stack, installation))
    },
    actuator: (lease) => ({
      perform: async (action, context) => {
        const call = `perform ${action.verb} ${action.address}`
        const between = () => faults.check(call, 'middle')
        context.signal.throwIfAborted()
        return effect(lease, call, () =>
          perform(world, action, context, { ignored: options.ignored ?? new Set(), between, now }),
        )
      },
      controlUplink: async (request, signal) => {
        signal.throwIfAborted()
        const whom = 'bottle' in request ? ` ${request.bottle}` : ''
        return effect(lease, `uplink ${request.op}${whom}`, () =>
          world.change((state) => answerUplink(stackIn(state, lease.stack), structuredClone(request))),
        )
      },
      controlBundle: async (bottle, request, signal) => {
        signal.throwIfAborted()
        return effect(lease, `bundle ${request.op} ${bottle}`, () =>
          world.change((state) => {
            const bundle = stackIn(state, lease.stack).bundles[bottle]
            if (bundle?.fields['running'] !== true)
              throw new DriverError(`bundle/${bottle} does not answer`, { code: 'control-unreachable' })
            return answerSupervisor(state, bundle, structuredClone(request))
          }),
        )
      },
      start: (bottle) => effect(lease, `start ${bottle}`, () => setRunning(world, lease.stack, bottle, true)),
      stop: (bottle) => effect(lease, `stop ${bottle}`, () => setRunning(world, lease.stack, bottle, false)),
    }),
    exec: async (stack, bottle, request) => {
      assertRunning(world, stack, bottle)
      return execution(request.argv)
    },
    helper: async (stack, bottle, args) => {
      assertRunning(world, stack, bottle)
      return execution(args)
    },
    logs: async () => {
      const stream = new PassThrough()
      stream.end()
      return stream
    },
    metrics: async (stack, bottle) => {
      const bundle = world.read().stacks[stack]?.bundles[bottle]
      if (bundle?.fields['running'] !== true)
        throw new DriverError(`bundle/${bottle} does not answer`, { code: 'control-unreachable' })
      return bundleMetrics(bundle)
    },
    events: (_stack, signal) => changesOf(world, signal, now),
    stacks: async () => Object.keys(world.read().stacks).sort(),
    doctor: async () => [{ check: 'memory', ok: true, found: 'always there' }],
  }
}

/** Changes that come while nobody reads are told as one. */
async function* changesOf(world: World, signal: AbortSignal, now: () => string): AsyncGenerator<EngineEvent> {
  let changed = false
  let wake: () => void = () => undefined
  const end = world.onChange(() => {
    changed = true
    wake()
  })
  signal.addEventListener('abort', () => wake(), { once: true })
  try {
    while (!signal.aborted) {
      if (!changed) await new Promise<void>((resolve) => (wake = resolve))
      if (signal.aborted) return
      changed = false
      yield { at: now(), what: 'the world changed' }
    }
  } finally {
    end()
  }
}

function setRunning(world: World, stack: string, bottle: string, running: boolean): void {
  world.change((state) => {
    const agent = stackIn(state, stack).bottles[bottle]?.agent
    if (!agent) throw new DriverError(`bottle/${bottle} is not there`, { code: 'object-gone' })
    agent.fields = { ...agent.fields, running }
  })
}

function assertRunning(world: World, stack: string, bottle: string): void {
  if (world.read().stacks[stack]?.bottles[bottle]?.agent?.fields['running'] === true) return
  throw new DriverError(`bottle/${bottle} does not run`, { code: 'bottle-not-running' })
}

/** The few programs every image has: enough to see streams and exit codes pass through. */
function execution([program, ...args]: readonly string[]): Execution {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const over = (code: number, out = '') => {
    stdout.end(out)
    stderr.end()
    return Promise.resolve(code)
  }
  const exit = (() => {
    switch (program) {
      case 'true':
        return over(0)
      case 'false':
        return over(1)
      case 'echo':
        return over(0, `${args.join(' ')}\n`)
      case 'cat':
        stdin.pipe(stdout)
        return new Promise<number>((resolve) =>
          stdin.on('end', () => {
            stderr.end()
            resolve(0)
          }),
        )
      default:
        return over(127)
    }
  })()
  return { stdin, stdout, stderr, resize: async () => undefined, exit, close: () => stdin.end() }
}
