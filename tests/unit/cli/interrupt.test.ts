import { expect, test } from 'vitest'
import { interruptible } from '../../../src/cli/terminal/interrupt.ts'
import type { SignalName } from '../../../src/cli/io.ts'
import { openProgram } from './program.ts'

/** Raises signals at what listens for them. */
function signalled() {
  const program = openProgram()
  const heard = new Map<SignalName, () => void>()
  const io = {
    ...program.io({}),
    onSignal: (name: SignalName, step: () => void) => {
      heard.set(name, step)
      return () => void heard.delete(name)
    },
  }
  program.close()
  return { io, raise: (name: SignalName) => heard.get(name)?.(), heard }
}

test('the first signal starts nothing new, the second gives up', () => {
  const { io, raise, heard } = signalled()
  const said: string[] = []
  const interrupt = interruptible(io, (words) => said.push(words))
  raise('SIGTERM')
  expect([interrupt.soft.aborted, interrupt.hard.aborted]).toEqual([true, false])
  raise('SIGINT')
  expect(interrupt.hard.aborted).toBe(true)
  expect(said).toHaveLength(2)
  interrupt.release()
  expect([...heard.keys()]).toEqual([])
})

test('where nobody reads any more, what runs is finished, and a signal still gives it up', () => {
  const { io, raise } = signalled()
  const gone = new AbortController()
  const interrupt = interruptible(io, () => {}, gone.signal)
  expect(interrupt.soft.aborted).toBe(false)
  gone.abort()
  expect([interrupt.soft.aborted, interrupt.hard.aborted]).toEqual([true, false])
  raise('SIGINT')
  expect(interrupt.hard.aborted).toBe(true)
})
