/** The pure plan of 1,000 bottles × 10 routes: time and memory, in a process of its own. Prints one JSON line. */
import { plan } from '../src/reconcile/plan.ts'
import { desiredOf, OPTIONS, worldOf } from '../tests/unit/reconcile/stacks.ts'
import type { StackShape } from '../tests/unit/reconcile/stacks.ts'

const BOTTLES = 1000
const ROUTES = 10

function stack(prefix: string): StackShape {
  const routes = Object.fromEntries(
    Array.from({ length: ROUTES }, (_, index) => [`api-${index}.acme.example`, [prefix]]),
  )
  return Object.fromEntries(Array.from({ length: BOTTLES }, (_, index) => [`bottle-${index}`, { routes }]))
}

const live = worldOf(desiredOf(stack('/repos/')))
const measured = Object.fromEntries(
  Object.entries({ inSync: stack('/repos/'), everyRouteEdited: stack('/other/'), emptyWorld: undefined }).map(
    ([name, shape]) => {
      const desired = desiredOf(shape ?? stack('/repos/'))
      const snapshot = shape ? live : worldOf({ ...desired, resources: [], bottles: [] })
      const times = Array.from({ length: 5 }, () => {
        const start = performance.now()
        const { actions } = plan({ desired, snapshot, options: OPTIONS })
        return { ms: performance.now() - start, actions: actions.length }
      })
      const sorted = times.map((each) => each.ms).sort((a, b) => a - b)
      return [name, { medianMs: sorted[2], firstMs: times[0]?.ms, actions: times[0]?.actions }]
    },
  ),
)
process.stdout.write(`${JSON.stringify({ ...measured, rssMb: process.memoryUsage.rss() / 1e6 })}\n`)
