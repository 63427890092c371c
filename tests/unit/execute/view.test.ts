import { expect, test } from 'vitest'
import type { DaemonStatus, EgressStatus, UplinkStatus } from '../../../src/model/control.ts'
import { openViews } from '../../../src/execute/view.ts'

const egress = (generation: number): EgressStatus => ({
  generation,
  log: 'all',
  routes: [],
  trust: '',
  secrets: {},
  known: {},
  refusedLastHour: 0,
  connections: 0,
})

async function generationSeen(daemon: Partial<DaemonStatus>): Promise<number> {
  const supervisor = {
    version: '',
    startedAt: '',
    links: ['lo'],
    daemons: {
      egress: {
        state: 'running' as const,
        version: '',
        uid: 1,
        pid: 1,
        startedAt: '',
        restarts: 0,
        ...daemon,
      },
    },
  }
  const uplink: UplinkStatus = { version: '', startedAt: '', bottles: { one: { targets: [], supervisor } } }
  const views = openViews({ uplink, askBundle: () => Promise.reject(new Error('nobody is asked')) })
  return (await views.of('one')).generation
}

test('the next configuration is newer than what the supervisor keeps, also while egress does not answer', async () => {
  expect(await generationSeen({})).toBe(0)
  expect(await generationSeen({ generation: 7 })).toBe(7)
  expect(await generationSeen({ generation: 7, egress: egress(7) })).toBe(7)
})

test('and newer than what egress enforces where its answer to the supervisor was lost', async () => {
  expect(await generationSeen({ generation: 7, egress: egress(8) })).toBe(8)
  expect(await generationSeen({ generation: 7, egress: egress(0) })).toBe(7)
})
