import { expect, test } from 'vitest'
import { stamped } from '../../../src/cli/terminal/stamped.ts'
import { PLAIN } from '../../../src/render/style.ts'

test('each line stands behind the time of day of this machine, within its width', () => {
  const said: string[] = []
  const say = (lines: readonly string[]): void => void said.push(...lines)
  const output = stamped(
    {
      style: { ...PLAIN, width: 80 },
      noteStyle: PLAIN,
      screen: undefined,
      live: { write: () => {}, columns: () => 80, rows: () => 24 },
      result: say,
      note: say,
      gone: new AbortController().signal,
      ask: () => {},
      event: () => {},
      flush: async () => {},
    },
    () => new Date(2026, 0, 2, 3, 4, 5).getTime(),
  )
  output.result(['+ bundle/one', '', '    image: changed'])
  output.note(['applied'])
  expect(said).toEqual(['03:04:05  + bundle/one', '03:04:05      image: changed', '03:04:05  applied'])
  expect([output.style.width, output.noteStyle.width, output.live]).toEqual([70, 0, undefined])
})
