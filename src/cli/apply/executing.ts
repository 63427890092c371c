/** Opens everything an apply needs beside its plan (state, secrets, addresses of the host) and starts it. */
import type { ApplyEvent } from '../../model/event.ts'
import type { Lease } from '../../ports/driver.ts'
import { apply } from '../../execute/apply.ts'
import { hostAddresses } from '../../execute/host-addresses.ts'
import { describeSecretRef } from '../../model/secret.ts'
import { openDeployKeys } from '../../state/deploy-keys.ts'
import { openDatabase } from '../../state/database.ts'
import { openJournal } from '../../state/journal.ts'
import { openRecords } from '../../state/records.ts'
import { openRoots } from '../../state/roots.ts'
import type { Request } from './carry-out.ts'
import type { Interrupt } from '../terminal/interrupt.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { interrupted } from '../stack/locked.ts'
import { openMaterials } from '../secrets/materials.ts'
import { planNow } from './planning.ts'
import type { Planned } from './planning.ts'
import type { Stack } from '../stack/stack.ts'
import { VERSION } from '../version.ts'

/** Seconds per bottle until everything must be ready. */
const READY_TIMEOUT = 120

export async function executing(
  invocation: Invocation,
  stack: Stack,
  { plan, world }: Planned,
  lease: Lease,
  request: Request,
  interrupt: Interrupt,
): Promise<AsyncGenerator<ApplyEvent>> {
  const { options, io } = invocation
  const place = { home: stack.home, engineId: lease.engineId, stack: stack.name }
  const roots = openRoots(place)
  // Before the first effect: an unset reference stops everything while nothing is done.
  const materials = await openMaterials(
    stack,
    plan,
    request.desired,
    roots,
    invocation,
    interrupt.soft,
  ).catch((error: unknown) => {
    throw interrupt.soft.aborted ? interrupted() : error
  })
  const database = openDatabase({ ...place, program: VERSION, now: () => new Date(io.now()).toISOString() })
  const bottles = new Set(plan.actions.flatMap((action) => action.bottle ?? [])).size
  const touched = new Set<string>(
    plan.actions.flatMap(({ verb, only, address }) => (verb === 'blocked' || only ? [] : [address])),
  )
  const events = apply(plan, {
    drivers: new Map([[stack.driverName, stack.driver]]),
    lease,
    journal: openJournal(database),
    records: openRecords(database),
    roots,
    keys: openDeployKeys(place),
    forges: async ({ provider, tokenRef, ...at }) => {
      const { dialectsWith, openForgeNamed } = await import('../stack/forges.ts')
      const token = await materials.secret(tokenRef)
      const access = { ...at, token, tokenName: describeSecretRef(tokenRef) }
      return openForgeNamed(provider, access, dialectsWith(stack.home.dir))
    },
    materials,
    trust: materials.trust,
    hostAddresses: hostAddresses(world.endpoint),
    ...(world.uplink && { uplink: world.uplink }),
    whole: request.options.bottles === undefined && request.options.prune && request.part === undefined,
    ...(!options.off('wait') && {
      // Ready is what a plan says that has nothing more to do for what was touched.
      ready: async () => {
        const again = await planNow(stack, request.desired, request.options, invocation)
        return !again.plan.actions.some((action) => touched.has(action.address))
      },
    }),
    readyTimeoutMs: (options.number('timeout') ?? READY_TIMEOUT) * 1000 * Math.max(1, bottles),
    signal: interrupt.soft,
    hardSignal: interrupt.hard,
  })
  return closing(events, () => database.close())
}

async function* closing(events: AsyncGenerator<ApplyEvent>, close: () => void): AsyncGenerator<ApplyEvent> {
  try {
    yield* events
  } finally {
    close()
  }
}
