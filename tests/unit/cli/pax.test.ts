import { expect, test } from 'vitest'
import { paxRecords } from '../../../src/model/pax.ts'

const recordsOf = (text: string) => {
  const records = paxRecords(Buffer.from(text))
  return records && Object.fromEntries(records)
}

test('records of a pax header are read by their length in bytes; the last of a key counts', () => {
  expect(recordsOf('')).toEqual({})
  expect(recordsOf('12 path=a=b\n13 path=ü\nc\n')).toEqual({ path: 'ü\nc' })
})

test('a length that makes no sense makes the whole header make none', () => {
  for (const text of ['path=a\n', '0 path=a\n', '99 path=a\n', '10 path=a\nrest'])
    expect(recordsOf(text), text).toBeUndefined()
})
