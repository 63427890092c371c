/** What somebody made egress enforce behind the program's back is named route by route, as drift, and undone. */
import { expect, it } from 'vitest'
import type { Json } from '../../../src/model/json.ts'
import { drift } from '../../../src/drivers/memory/drift.ts'
import { stackIn } from '../../../src/drivers/memory/world.ts'
import { restartedBottles } from '../../../src/render/impact.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import { laboratory } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'

const desired = desiredOf({ dev: { routes: { 'a.example': ['/x/'], 'b.example': [] } } })

function enforce(lab: Laboratory, by: (routes: Record<string, Json>[]) => unknown[]): void {
  lab.world.change((state) => {
    const { config } = stackIn(state, 'acme').bundles['dev']!
    const policy = config!.policy as unknown as { routes: unknown[]; log: string }
    policy.routes = by(policy.routes as Record<string, Json>[])
    policy.log = 'all'
  })
}

async function named(lab: Laboratory): Promise<string[]> {
  const { actions } = await lab.planned(desired)
  expect(actions.every(({ cause }) => cause === 'drift')).toBe(true)
  return actions.map(
    ({ verb, address, differences }) => `${verb} ${address} ${differences.map(({ path }) => path).join()}`,
  )
}

it('authorities that somebody made egress trust, and ones it no longer trusts', async () => {
  const lab = await laboratory()
  await lab.run(desired)
  lab.world.change((state) => {
    const { bundles } = stackIn(state, 'acme')
    bundles['dev']!.config = { ...bundles['dev']!.config!, trust: ['PEM of a stranger'] }
  })
  expect(await named(lab)).toEqual(['update bundle/dev trust'])
  await lab.run(desired)
  expect(lab.world.read().stacks['acme']!.bundles['dev']!.config!.trust).toEqual([])
  expect((await lab.planned(desired)).actions).toEqual([])
  lab.close()
})

it('a restriction that egress lost, a route it lost and one that nobody declared', async () => {
  const lab = await laboratory()
  await lab.run(desired)
  enforce(lab, ([first, second]) => {
    const { matches: _, ...unrestricted } = first!
    return [unrestricted, { ...second, host: 'evil.example' }]
  })
  expect((await named(lab)).sort()).toEqual([
    'create route/dev/b.example ',
    'remove route/dev/evil.example ',
    'update bundle/dev issuer,egressLog',
    'update route/dev/a.example matches',
  ])
  await lab.run(desired)
  expect((await lab.planned(desired)).actions).toEqual([])
  lab.close()
})

it.each([
  ['removed', (lab: Laboratory) => drift(lab.world, 'acme').deleteAgent('dev')],
  ['halted', (lab: Laboratory) => drift(lab.world, 'acme').editAgent('dev', { running: false })],
])('an agent container that somebody %s is started again without a question', async (_, hand) => {
  const lab = await laboratory()
  await lab.run(desired)
  hand(lab)
  const plan = await lab.planned(desired)
  const action = plan.actions.find(({ kind }) => kind === 'bottle')!
  expect(action).toMatchObject({ impact: 'restart-agent', observed: { fields: { running: false } } })
  expect([plan.disturbs, restartedBottles(plan)]).toEqual([false, []])
  await lab.run(desired)
  expect((await lab.planned(desired)).actions).toEqual([])
  lab.close()
})
