import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { begin, decide, DEBOUNCE, DEBOUNCE_MAX, RESYNC, resyncAfter } from '../../../src/watch/decide.ts'
import type { WatchEvent, WatchState } from '../../../src/watch/decide.ts'

const idle = (at: number): WatchState => ({ running: false, reasons: [], resyncAt: at + RESYNC })

describe('watch', () => {
  test('looks at once when it starts', () => {
    expect(decide(begin(0), { type: 'woken', at: 0 }).run).toEqual(['start'])
  })
  test('waits until edits rest', () => {
    let { state } = decide(idle(0), { type: 'asked', reason: 'edit', at: 0 })
    state = decide(state, { type: 'asked', reason: 'edit', at: 200 }).state
    expect(decide(state, { type: 'woken', at: DEBOUNCE }).run).toBeUndefined()
    expect(decide(state, { type: 'woken', at: 200 + DEBOUNCE }).run).toEqual(['edit'])
  })
  test('does not wait for ever while edits go on', () => {
    let state = idle(0)
    let ran: number | undefined
    for (let at = 0; at < 10_000 && ran === undefined; at += 100) {
      const decision = decide(state, { type: 'asked', reason: 'edit', at })
      state = decision.state
      if (decision.run) ran = at
    }
    expect(ran).toBe(DEBOUNCE_MAX)
  })
  test('runs once more for everything that came while it ran', () => {
    let { state } = decide(begin(0), { type: 'woken', at: 0 })
    for (const at of [10, 20, 30]) {
      const decision = decide(state, { type: 'asked', reason: at === 20 ? 'engine' : 'edit', at })
      expect(decision.run).toBeUndefined()
      state = decision.state
    }
    const trailing = decide(state, { type: 'ended', at: 5_000, chance: 0.5 })
    expect(trailing.run).toEqual(['edit', 'engine'])
    const rest = decide(trailing.state, { type: 'ended', at: 6_000, chance: 0.5 })
    expect(rest.run).toBeUndefined()
    expect(rest.wakeAt).toBe(6_000 + RESYNC)
  })
  test('looks again after a minute, give or take a tenth', () => {
    expect([resyncAfter(0, 0), resyncAfter(0, 0.5), resyncAfter(0, 1)]).toEqual([54_000, 60_000, 66_000])
    expect(decide(idle(0), { type: 'woken', at: RESYNC }).run).toEqual(['resync'])
  })
  test('never runs twice at the same time, and never forgets what asked', () => {
    const step = fc.record({
      kind: fc.constantFrom('edit', 'engine', 'wake', 'end'),
      after: fc.integer({ min: 0, max: 2_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let state = begin(0)
        let at = 0
        let asked = true
        for (const { kind, after } of steps) {
          at += after
          if (kind === 'end' && !state.running) continue
          const event: WatchEvent =
            kind === 'end'
              ? { type: 'ended', at, chance: 0.5 }
              : kind === 'wake'
                ? { type: 'woken', at }
                : { type: 'asked', reason: kind === 'edit' ? 'edit' : 'engine', at }
          const was = state.running
          const decision = decide(state, event)
          if (kind === 'edit' || kind === 'engine') asked = true
          if (decision.run) {
            expect(was && kind !== 'end').toBe(false)
            asked = false
          }
          state = decision.state
          expect(state.reasons.length > 0 || !asked).toBe(true)
          if (!state.running) expect(decision.wakeAt).toBeLessThanOrEqual(at + RESYNC * 1.1)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
