/** A whole program without a command line: home, lock, state, memory driver, plan and apply, over one temporary folder. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { memoryForge } from '../../../src/drivers/memory/forge.ts'
import { memoryDriver } from '../../../src/drivers/memory/driver.ts'
import { faults } from '../../../src/drivers/memory/faults.ts'
import type { MemoryOptions } from '../../../src/drivers/memory/driver.ts'
import { memoryWorld } from '../../../src/drivers/memory/world.ts'
import type { World } from '../../../src/drivers/memory/world.ts'
import { apply } from '../../../src/execute/apply.ts'
import type { ApplyDeps } from '../../../src/execute/apply.ts'
import type { Clock } from '../../../src/execute/clock.ts'
import type { ApplyEvent } from '../../../src/model/event.ts'
import { DriverError } from '../../../src/model/errors.ts'
import type { Marks } from '../../../src/model/known.ts'
import type { Plan } from '../../../src/model/plan.ts'
import { describeSecretRef, Secret } from '../../../src/model/secret.ts'
import type { SecretRef } from '../../../src/model/secret.ts'
import type { Driver } from '../../../src/ports/driver.ts'
import type { Materials } from '../../../src/ports/materials.ts'
import type { Forge } from '../../../src/ports/forge.ts'
import { plan } from '../../../src/reconcile/plan.ts'
import type { PlanOptions } from '../../../src/reconcile/plan.ts'
import { assemble } from '../../../src/reconcile/snapshot.ts'
import type { ForgeLook } from '../../../src/reconcile/snapshot-git.ts'
import { currentRow } from '../../../src/resources/key/rows.ts'
import type { KeySpec } from '../../../src/resources/key/spec.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import { samePlace } from '../../../src/model/key-row.ts'
import { openDeployKeys } from '../../../src/state/deploy-keys.ts'
import { openDatabase } from '../../../src/state/database.ts'
import { openHome } from '../../../src/state/home.ts'
import type { Home } from '../../../src/state/home.ts'
import { openJournal } from '../../../src/state/journal.ts'
import type { Journal } from '../../../src/state/journal.ts'
import { acquire } from '../../../src/state/lock.ts'
import { openRecords } from '../../../src/state/records.ts'
import { openRoots } from '../../../src/state/roots.ts'
import type { Roots } from '../../../src/state/roots.ts'
import { OPTIONS } from '../reconcile/stacks.ts'

export const START = Date.parse('2026-11-21T12:00:00.000Z')

/** Stands still between two looks and jumps over every wait. */
export function testClock(start = START): Clock & { advance(ms: number): void } {
  let now = start
  return {
    now: () => now,
    elapsed: () => now,
    sleep: async (ms) => {
      now += ms
    },
    advance: (ms) => {
      now += ms
    },
  }
}

export interface LaboratoryOptions extends Partial<Omit<MemoryOptions, 'world'>> {
  readonly world?: World
  readonly dir?: string
  readonly secrets?: Readonly<Record<string, string>>
  readonly clock?: ReturnType<typeof testClock>
  /** Default: nothing. */
  readonly known?: Materials['known']
  /** Default: a forge in the memory world. */
  readonly forge?: (provider: string, api: string) => Forge
}

export async function laboratory(options: LaboratoryOptions = {}) {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'bb-lab-'))
  const home: Home = openHome({ env: {}, stateDir: join(dir, 'home') })
  const world = options.world ?? memoryWorld()
  const clock = options.clock ?? testClock()
  const calls: string[] = []
  const injected = options.faults ?? faults()
  const driver = memoryDriver({
    installation: home.installation,
    now: () => new Date(clock.now()).toISOString(),
    ...options,
    world,
    faults: injected,
    onCall: (call) => {
      calls.push(call)
      options.onCall?.(call)
    },
  })
  const engineId = world.read().engineId
  const stack = 'acme'
  const lock = await acquire({ home, engineId, stack, command: 'test', timeoutMs: 0 })
  const database: DatabaseSync = openDatabase({
    home,
    engineId,
    stack,
    program: '0.1.0',
    now: () => new Date(clock.now()).toISOString(),
  })
  const [journal, records, roots] = [
    openJournal(database),
    openRecords(database),
    openRoots({ home, engineId, stack }),
  ]
  const keys = openDeployKeys({ home, engineId, stack })
  const inMemory = (provider: string, api: string) =>
    memoryForge({
      world,
      provider,
      api,
      faults: injected,
      now: () => new Date(clock.now()).toISOString(),
      onCall: (call) => {
        calls.push(call)
        options.onCall?.(call)
      },
    })
  const forge = options.forge ?? inMemory
  const secrets: Record<string, string> = { ...options.secrets }
  const marks: Record<string, Marks> = {}
  const secretOf = async (ref: SecretRef): Promise<Secret> => {
    const value = ref.from === 'env' ? secrets[ref.name] : undefined
    if (value !== undefined) return new Secret(value)
    throw new DriverError(`${describeSecretRef(ref)} is not set`, { code: 'secret-unresolved' })
  }

  /** Every repository that a key is declared or held for, asked unless its token is not there. */
  const askForges = async (desired: Desired): Promise<readonly ForgeLook[]> => {
    const declared = desired.resources.flatMap(({ kind, address: at, spec }) =>
      kind === 'key' ? [{ ...(spec as KeySpec), address: at }] : [],
    )
    const places = [...declared, ...keys.rows().rows]
    const signal = new AbortController().signal
    const each = places.filter((one, at) => places.findIndex((other) => samePlace(one, other)) === at)
    const asked = each.map(async (place): Promise<ForgeLook> => {
      const { provider, api, repository, tokenRef, allowPrivate } = place
      const addresses = places.filter((one) => samePlace(one, place)).map((one) => one.address)
      const about = { provider, api, repository, tokenRef, allowPrivate, addresses }
      try {
        return { ...about, answer: { keys: await forge(provider, api).list(repository, signal) } }
      } catch (error) {
        return { ...about, answer: { unknown: error instanceof Error ? error.message : String(error) } }
      }
    })
    return Promise.all(asked)
  }

  const look = async (desired?: Desired) => {
    const observation = await driver.observe(stack)
    const { uplink } = observation
    const nonce = uplink && 'nonce' in uplink ? uplink.nonce : ''
    const credentials = Object.fromEntries(
      Object.entries(secrets).map(([name, value]) => [`env:${name}`, new Secret(value).digest(nonce)]),
    )
    const snapshot = assemble({
      now: new Date(clock.now()).toISOString(),
      installation: home.installation,
      observations: { memory: observation },
      roots: roots.rootStates(),
      credentials,
      identities: Object.fromEntries(
        keys.rows().rows.flatMap(({ address: at }) => {
          const row = currentRow(keys.rows().rows, at)
          const opens = row?.ended && row.publicKey
          return opens ? [[at.replace(/^key\//, 'remote/'), new Secret(opens).digest(nonce)]] : []
        }),
      ),
      ...(desired && {
        keys: {
          stack,
          installation: home.installation,
          engineId,
          rows: keys.rows().rows,
          forges: await askForges(desired),
        },
      }),
    })
    return { observation, snapshot }
  }

  const planned = async (desired: Desired, extra: Partial<PlanOptions> = {}): Promise<Plan> =>
    plan({ desired, snapshot: (await look(desired)).snapshot, options: { ...OPTIONS, ...extra } })

  /** Plans against the world as it is and carries that out. */
  const run = async (
    desired: Desired,
    over: Partial<ApplyDeps> = {},
    extra: Partial<PlanOptions> = {},
  ): Promise<ApplyEvent[]> => {
    const { observation, snapshot } = await look(desired)
    const made = plan({ desired, snapshot, options: { ...OPTIONS, ...extra } })
    const uplink =
      observation.uplink && 'status' in observation.uplink ? observation.uplink.status : undefined
    const deps: ApplyDeps = {
      drivers: new Map([['memory', driver]]),
      lease: lock.lease,
      journal,
      records,
      roots,
      keys,
      forges: async ({ provider, api }) => forge(provider, api),
      materials: {
        rootCertificate: async (bottle) => roots.rootOf(bottle)?.certificate ?? '',
        nextRootCertificate: async (bottle) => roots.nextOf(bottle)?.certificate,
        environment: (bottle) => new Map(Object.entries(marks[bottle]?.placeholders ?? {})),
        marks: (bottle) => marks[bottle] ?? {},
        ...(options.known && { known: options.known }),
        secret: secretOf,
        identity: secretOf,
      },
      trust: [],
      hostAddresses: ['192.0.2.1'],
      ...(uplink && { uplink }),
      whole: extra.bottles === undefined,
      clock,
      ...over,
    }
    const events: ApplyEvent[] = []
    for await (const event of apply(made, deps)) events.push(event)
    return events
  }

  return {
    dir,
    home,
    world,
    driver: driver as Driver,
    lock,
    database,
    journal: journal as Journal,
    records,
    roots: roots as Roots,
    keys,
    forge,
    clock,
    calls,
    faults: injected,
    secrets,
    marks,
    look,
    planned,
    run,
    close(keep = false) {
      database.close()
      lock.release()
      if (!keep) rmSync(dir, { recursive: true, force: true })
    },
  }
}

export type Laboratory = Awaited<ReturnType<typeof laboratory>>

/** `address outcome`, in the order in which things ended; the last line is the whole. */
export function told(events: readonly ApplyEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'ended') return [`ended ${event.outcome}`]
    if (event.type !== 'action-ended') return []
    const because = event.because === undefined ? '' : ` because ${event.because}`
    const error = event.error === undefined ? '' : ` (${event.error.code})`
    return [`${event.address} ${event.outcome}${because}${error}`]
  })
}
