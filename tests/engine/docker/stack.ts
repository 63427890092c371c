/** A stack of its own on the real engine, driven through the port alone; removed again, with everything it left. */
import { randomBytes } from 'node:crypto'
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { buffer } from 'node:stream/consumers'
import { address } from '../../../src/model/address.ts'
import type { Address } from '../../../src/model/address.ts'
import type { DaemonName } from '../../../src/model/control.ts'
import type { UplinkTarget } from '../../../src/model/policy.ts'
import type { Action, Verb } from '../../../src/model/plan.ts'
import type { Impact, Observed, Resource } from '../../../src/model/resource.ts'
import type { Actuator, Effect, EffectContext, Lease } from '../../../src/ports/driver.ts'
import type { Materials } from '../../../src/ports/materials.ts'
import {
  dockerDriver,
  sidecarsImage,
  baseImage,
  type DockerDriver,
} from '../../../src/drivers/docker/index.ts'
import type { Engine } from '../../../src/drivers/docker/calls.ts'
import { openEngine } from '../../../src/drivers/docker/engine.ts'
import { chooseEndpoint } from '../../../src/drivers/docker/endpoint.ts'
import { systemClock } from '../../../src/execute/clock.ts'
import { retry } from '../../../src/execute/retry.ts'
import { Secret } from '../../../src/model/secret.ts'

export interface LabStack {
  readonly name: string
  readonly installation: string
  readonly driver: DockerDriver
  readonly engine: Engine
  readonly actuator: Actuator
  readonly desired: Map<Address, Resource>
  /** Declares a bottle and everything it needs; changes nothing on the engine. */
  declare(bottle: string, options?: BottleOptions): void
  perform(at: Address, verb?: Verb, impact?: Impact): Promise<Effect>
  /** Image, uplink, bottle, bundle; with `guest` provisioned as well. */
  up(bottle: string, options?: BottleOptions & { readonly guest?: boolean }): Promise<void>
  observed(at: Address): Promise<readonly Observed[]>
  /** A program in the agent container, as the agent. */
  run(
    bottle: string,
    argv: readonly string[],
    user?: string,
  ): Promise<{ readonly code: number; readonly out: string; readonly err: string }>
  /** `hosts`: addresses by name, for the uplink; `targets`: what the bottle may reach by it. */
  configureEgress(bottle: string, reach?: Reach): Promise<void>
  down(): Promise<void>
}

export interface Reach {
  readonly hosts: Readonly<Record<string, string>>
  readonly targets: readonly UplinkTarget[]
}

export interface BottleOptions {
  /** Default: egress alone. */
  readonly daemons?: readonly DaemonName[]
  readonly image?: string
  readonly env?: Readonly<Record<string, string>>
  readonly memoryBytes?: number
  readonly pids?: number
}

/** A certificate authority made for these tests. */
export const ROOT = makeRoot()

export async function labStack(
  options: { readonly engine?: Engine; readonly name?: string; readonly installation?: string } = {},
): Promise<LabStack> {
  const name = options.name ?? `lab-${randomBytes(3).toString('hex')}`
  const installation = options.installation ?? randomBytes(8).toString('hex')
  const engine = options.engine ?? openEngine(chooseEndpoint(process.env))
  const driver = dockerDriver(process.env, { installation, engine })
  const lease = { stack: name, engineId: await driver.engineId(), held: true } as unknown as Lease
  const actuator = driver.actuator(lease)
  const sidecars = await sidecarsImage()
  const desired = new Map<Address, Resource>()
  const environments = new Map<string, Readonly<Record<string, string>>>()
  const bottles = new Set<string>()
  const put = (at: Address, kind: Resource['kind'], spec: unknown, bottle?: string) =>
    desired.set(at, {
      kind,
      address: at,
      driver: 'docker',
      needs: [],
      spec,
      places: {},
      ignore: [],
      protect: false,
      ...(bottle !== undefined && { bottle }),
    })
  put(address.image('sidecars'), 'image', { role: 'sidecars', ...sidecars })
  put(address.uplink(), 'uplink', {
    image: sidecars.inputDigest,
    version: '0.1.0',
    hardening: 'as-created',
    running: true,
    policy: { hosts: {}, dns: [], noProxy: [] },
  })
  const materials: Materials = {
    rootCertificate: async () => ROOT,
    environment: (bottle) => new Map(Object.entries(environments.get(bottle) ?? {})),
    secret: async () => new Secret(''),
  }
  const context: EffectContext = {
    signal: AbortSignal.timeout(300_000),
    installation,
    stack: name,
    desired,
    materials,
    progress: () => {},
  }

  const stack: LabStack = {
    name,
    installation,
    driver,
    engine,
    actuator,
    desired,
    declare(bottle, { image, env, memoryBytes, pids, daemons = ['egress'] } = {}) {
      const base = baseImage()
      const at = address.image(bottle)
      const tag = image ?? base.tag
      const imageDigest = image === undefined ? base.inputDigest : `named ${image}`
      environments.set(bottle, env ?? {})
      bottles.add(bottle)
      put(
        at,
        'image',
        image === undefined ? { role: 'base', ...base } : { role: 'named', tag, inputDigest: imageDigest },
      )
      put(
        address.bottle(bottle),
        'bottle',
        {
          image: at,
          imageDigest,
          resources: { pids: pids ?? 256, memoryBytes: memoryBytes ?? 512 * 1024 * 1024, cpus: 1 },
          holder: 'only-loopback',
          hardening: 'as-created',
          running: true,
        },
        bottle,
      )
      put(
        address.bundle(bottle),
        'bundle',
        {
          image: sidecars.inputDigest,
          version: '0.1.0',
          daemons,
          namespace: 'holder',
          hardening: 'as-created',
          running: true,
          attached: true,
          issuer: 'valid',
          egressLog: 'all',
          trust: '',
          knows: {},
        },
        bottle,
      )
      put(address.guest(bottle), 'guest', { env: {}, root: 'pending', probe: 'passed' }, bottle)
    },
    async perform(at, verb = 'create', impact = 'live') {
      const resource = desired.get(at)
      if (!resource) throw new Error(`${at} is not declared`)
      // As the executor does: what the driver calls transient is tried again.
      return retry(() => actuator.perform(action(resource, verb, impact), context), {
        clock: systemClock,
        signal: context.signal,
      })
    },
    async up(bottle, { guest, ...bottleOptions } = {}) {
      stack.declare(bottle, bottleOptions)
      await stack.perform(address.image('sidecars'))
      await stack.perform(address.image(bottle))
      const [uplink] = await stack.observed(address.uplink())
      if (uplink?.fields['running'] !== true) await stack.perform(address.uplink())
      await stack.perform(address.bottle(bottle))
      await stack.perform(address.bundle(bottle))
      if (guest === true) await stack.perform(address.guest(bottle))
    },
    async observed(at) {
      const { objects } = await driver.observe(name)
      return objects.filter((object) => object.address === at)
    },
    async run(bottle, argv, user) {
      const execution = await driver.exec(name, bottle, {
        argv,
        env: {},
        cwd: '/',
        ...(user !== undefined && { user }),
      })
      execution.stdin.end()
      const [out, err, code] = await Promise.all([
        buffer(execution.stdout),
        execution.stderr ? buffer(execution.stderr) : Buffer.alloc(0),
        execution.exit,
      ])
      return { code, out: out.toString(), err: err.toString() }
    },
    async configureEgress(bottle, { hosts, targets } = { hosts: {}, targets: [] }) {
      const policy = { log: 'all', routes: [] } as const
      const uplinkToken = randomBytes(32).toString('hex')
      await actuator.controlUplink(
        { op: 'configure', policy: { hosts, dns: [], noProxy: [], hostAddresses: [] } },
        context.signal,
      )
      await actuator.controlUplink({ op: 'attach', bottle, token: uplinkToken, targets }, context.signal)
      await actuator.controlBundle(
        bottle,
        {
          op: 'configure',
          daemon: 'egress',
          config: { generation: 1, policy, secrets: {}, trust: [], uplinkToken, bottle },
        },
        context.signal,
      )
    },
    async down() {
      for (const bottle of bottles) {
        await stack.perform(address.bundle(bottle), 'remove')
        await stack.perform(address.bottle(bottle), 'remove')
      }
      await stack.perform(address.uplink(), 'remove')
    },
  }
  return stack
}

function action(resource: Resource, verb: Verb, impact: Impact): Action {
  return {
    verb,
    address: resource.address,
    kind: resource.kind,
    driver: 'docker',
    ...(resource.bottle !== undefined && { bottle: resource.bottle }),
    reason: 'test',
    cause: 'edit',
    impact,
    differences: [],
    after: [],
    phase: 'neutral',
    desired: resource,
    notes: [],
  }
}

/** The docker client as the operator's own hand, for drift. */
export function docker(...args: readonly string[]): string {
  return execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

/** Without holding up this process: receivers in it must be able to record. */
export async function dockerAsync(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', [...args], { encoding: 'utf8' })
  return stdout.trim()
}

/** Names of everything of ours on the engine. */
export function leftovers(stack: string): readonly string[] {
  const list = (...args: readonly string[]) =>
    docker(...args)
      .split('\n')
      .filter((name) => name.startsWith(`bb_${stack}_`))
  return [
    ...list('ps', '-a', '--format', '{{.Names}}'),
    ...list('volume', 'ls', '--format', '{{.Name}}'),
    ...list('network', 'ls', '--format', '{{.Name}}'),
  ]
}

function makeRoot(): string {
  return execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      '/dev/null',
      '-subj',
      '/CN=bot-bottle test root',
      '-days',
      '30',
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
}
