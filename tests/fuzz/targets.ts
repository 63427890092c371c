import { CONTROL_TARGETS } from './targets-control.ts'
import { DETECT_TARGETS } from './targets-detect.ts'
import { FRAME_TARGETS } from './targets-frames.ts'
import { HTTP_TARGETS } from './targets-http.ts'
import type { Target } from './target.ts'

export const TARGETS: readonly Target[] = [...HTTP_TARGETS, ...FRAME_TARGETS, ...DETECT_TARGETS, ...CONTROL_TARGETS] // prettier-ignore

const practice = (name: string, run: Target['run']): Target => ({
  name,
  run,
  grammar: (random) => Buffer.alloc(random(4000), 'ab'),
  words: ['!'],
  ends: ['read'],
  costly: [],
})

/** What the fire must be able to find: an input that throws, one that does not end. */
const PRACTICE: readonly Target[] = [
  practice('throws', (bytes) => {
    if (bytes.includes('!')) throw new Error('found')
    return 'read'
  }),
  practice('hangs', (bytes) => {
    while (bytes.includes('!')) continue
    return 'read'
  }),
]

export function targetOf(name: string): Target {
  const target = [...TARGETS, ...PRACTICE].find((one) => one.name === name)
  if (target === undefined) throw new Error(`no target ${name}`)
  return target
}
