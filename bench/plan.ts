/** The pure plan of 1,000 bottles × 10 routes: time and memory, in a process of its own. Prints one JSON line. */
import { readFileSync, writeFileSync } from 'node:fs'
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
      const before = settled()
      const times = Array.from({ length: 5 }, () => {
        const start = performance.now()
        const { actions } = plan({ desired, snapshot, options: OPTIONS })
        return { ms: performance.now() - start, actions: actions.length }
      })
      const sorted = times.map((each) => each.ms).sort((a, b) => a - b)
      return [
        name,
        {
          medianMs: sorted[2],
          firstMs: times[0]?.ms,
          actions: times[0]?.actions,
          peakMb: Math.max(0, memory('VmHWM') - before),
        },
      ]
    },
  ),
)
process.stdout.write(`${JSON.stringify({ ...measured, rssMb: process.memoryUsage.rss() / 1e6 })}\n`)

/** Resident megabytes of the inputs alone, with the kernel's high-water mark set back to them. */
function settled(): number {
  globalThis.gc?.()
  try {
    writeFileSync('/proc/self/clear_refs', '5')
  } catch {
    // Not Linux: the mark is of the whole process, and so the figure is too large, never too small.
  }
  return memory('VmRSS')
}

function memory(field: 'VmHWM' | 'VmRSS'): number {
  try {
    const status = readFileSync('/proc/self/status', 'utf8')
    return (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024) / 1e6
  } catch {
    return field === 'VmHWM' ? process.resourceUsage().maxRSS / 1e3 : process.memoryUsage.rss() / 1e6
  }
}
