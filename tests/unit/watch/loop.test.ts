import { expect, test } from 'vitest'
import type { Clock } from '../../../src/watch/clock.ts'
import { startLoop } from '../../../src/watch/loop.ts'

/** A clock that goes only when told. */
function fakeClock(): Clock & { pass(milliseconds: number): Promise<void> } {
  let now = 0
  let waiting: { time: number; wake: () => void }[] = []
  return {
    now: () => now,
    chance: () => 0.5,
    at(time, wake) {
      const entry = { time, wake }
      waiting.push(entry)
      return () => {
        waiting = waiting.filter((other) => other !== entry)
      }
    },
    async pass(milliseconds) {
      const until = now + milliseconds
      for (;;) {
        await settled()
        const [first] = waiting.toSorted((a, b) => a.time - b.time)
        if (!first || first.time > until) break
        now = Math.max(now, first.time)
        waiting = waiting.filter((other) => other !== first)
        first.wake()
      }
      now = until
    },
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

test('one run at the start, one for a burst of edits, one each minute', async () => {
  const clock = fakeClock()
  const stop = new AbortController()
  const runs: string[] = []
  const loop = startLoop(
    clock,
    stop.signal,
    async (reasons) => void runs.push(`${clock.now()} ${reasons.join('+')}`),
  )
  await clock.pass(1_000)
  for (let edit = 0; edit < 5; edit++) {
    loop.ask('edit')
    await clock.pass(50)
  }
  await clock.pass(120_000)
  expect(runs).toEqual(['0 start', '1500 edit', '61500 resync'])
  stop.abort()
  await loop.ended
})

test('a stop waits for the run that goes on', async () => {
  const clock = fakeClock()
  const stop = new AbortController()
  const run = Promise.withResolvers<void>()
  const loop = startLoop(clock, stop.signal, () => run.promise)
  let ended = false
  void loop.ended.then(() => (ended = true))
  stop.abort()
  await settled()
  expect(ended).toBe(false)
  run.resolve()
  await loop.ended
  expect(ended).toBe(true)
})
