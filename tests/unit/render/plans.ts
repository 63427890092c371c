/** Hand-written plans for the goldens: the one of the design, and a large one. */
import { address } from '../../../src/model/address.ts'
import type { Action, Plan } from '../../../src/model/plan.ts'
import type { Resource } from '../../../src/model/resource.ts'

const place = (line: number) => ({ file: 'bottles.yaml', line, column: 9 })

const npm: Resource = {
  kind: 'route',
  address: address.route('implementer', 'npm.acme.example'),
  driver: 'docker',
  bottle: 'implementer',
  needs: [address.bundle('implementer')],
  spec: {
    host: 'npm.acme.example',
    port: 443,
    scheme: 'https',
    auth: { scheme: 'bearer', secret: 'env:NPM_TOKEN' },
    tlsPassthrough: false,
    allowPrivate: false,
    gitFetch: false,
    uplink: 'declared',
  },
  places: { '': place(34) },
  ignore: [],
  protect: false,
}

export const action = (
  fields: Partial<Action> & Pick<Action, 'address' | 'kind' | 'verb' | 'reason'>,
): Action => ({
  driver: 'docker',
  cause: 'edit',
  impact: 'live',
  differences: [],
  after: [],
  phase: 'neutral',
  notes: [],
  ...fields,
})

export const planOf = (actions: readonly Action[], fields: Partial<Plan> = {}): Plan => ({
  version: 1,
  program: '0.1.0',
  stack: 'acme',
  installation: 'i1',
  origin: 'bottles.yaml',
  engines: { docker: '20.10.24 (local)' },
  actions,
  warnings: [],
  notes: [],
  desired: [],
  disturbs: false,
  ...fields,
})

export const ROUTE_EDIT = action({
  verb: 'update',
  address: address.route('implementer', 'api.github.com'),
  kind: 'route',
  bottle: 'implementer',
  reason: 'declared paths changed',
  differences: [
    {
      path: 'matches[0].paths[0].prefix',
      before: '/repos/acme/app/',
      after: '/repos/acme/',
      cause: 'edit',
      impact: 'live',
      place: place(31),
    },
  ],
})

export const DESIGN = planOf([
  ROUTE_EDIT,
  action({
    verb: 'create',
    address: npm.address,
    kind: 'route',
    bottle: 'implementer',
    reason: 'not there yet',
    desired: npm,
    notes: ['NPM_TOKEN: checked at apply'],
  }),
  action({
    verb: 'remove-then-create',
    address: address.bundle('reviewer'),
    kind: 'bundle',
    bottle: 'reviewer',
    reason: 'drift: container is gone',
    cause: 'drift',
    impact: 'recreate-bundle',
  }),
  action({
    verb: 'remove',
    address: address.key('old-agent', 'origin'),
    kind: 'key',
    bottle: 'old-agent',
    reason: 'no longer declared',
    notes: ['read-write, made 12 days ago, last used yesterday'],
  }),
])

export const LARGE = planOf([
  action({ verb: 'create', address: address.uplink(), kind: 'uplink', reason: 'not there yet' }),
  ...Array.from({ length: 25 }, (_, at) => `bottle-${at}`).flatMap((bottle) => [
    action({
      verb: 'create',
      address: address.bottle(bottle),
      kind: 'bottle',
      bottle,
      reason: 'not there yet',
    }),
    action({
      verb: 'create',
      address: address.bundle(bottle),
      kind: 'bundle',
      bottle,
      reason: 'not there yet',
    }),
  ]),
])
