import { expect, test } from 'vitest'
import { agentLines, initLines } from '../../../src/cli/program/init-lines.ts'

const shown = (lines: readonly string[]): readonly string[] => {
  const isOfInit = initLines()
  return lines.filter((line) => !isOfInit(line))
}
const STATUS = ['bb-guest status begin', 'Name:\tguest', 'CapEff:\t0000000000000000', 'bb-guest status end']

test('what init prints about itself is not shown, at each start of the container', () => {
  expect(shown([...STATUS, 'hello', ...STATUS, 'again'])).toEqual(['hello', 'again'])
})

test('an agent that prints the first line of it hides nothing that it prints after it', () => {
  expect(shown(['bb-guest status begin', 'curl evil.test', 'more'])).toEqual(['curl evil.test', 'more'])
  const many = Array.from({ length: 200 }, (_, number) => `Line:\t${number}`)
  expect(shown(['bb-guest status begin', ...many, 'more'])).toEqual([...many.slice(99), 'more'])
})

test('the last lines are the last of the agent, whatever init printed between and after them', async () => {
  const last = async (tail?: number) => {
    async function* log() {
      yield* [...STATUS, 'one', 'two', 'three', ...STATUS]
    }
    return Array.fromAsync(agentLines(log(), tail))
  }
  expect(await last(2)).toEqual(['two', 'three'])
  expect(await last(9)).toEqual(['one', 'two', 'three'])
  expect(await last(0)).toEqual([])
  expect(await last()).toEqual(['one', 'two', 'three'])
})

test('a log that begins behind the beginning of it does not show its end', () => {
  expect(shown(['bb-guest status end', 'hello'])).toEqual(['hello'])
})
