/** The lines of a build by BuildKit, from messages that an engine of API 1.56 sent. */
import { expect, it } from 'vitest'
import { buildTrace } from '../../../src/drivers/docker/build-trace.ts'

const text = (field: number, value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...lengthOf(bytes.length)]), bytes])
}
const lengthOf = (length: number): readonly number[] =>
  length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
const message = (...parts: readonly Buffer[]): string => Buffer.concat(parts).toString('base64')

/** As it was sent: the step `[1/1] COPY a /a`, known, begun, ended. */
const SENT = [
  'CqMBCkdzaGEyNTY6YWJkNzllZTJhM2FhNTRiMzc0YjNjMWY2ZTk4YTBmZjk5Mzc5NzUwYmU4NGRjZTg4YTVlM2QwZjdiNzFhYjgyMxJHc2hhMjU2OjE0ODQyOTkzNmI3NDI2ZjQ1OWMwOGJiN2ZiZjRlM2JhZDI5ODM2OTdlMjkyNzgxNDgwMzQ5MWYxMjMwMDQ5NDYaD1sxLzFdIENPUFkgYSAvYQ==',
  'CrEBCkdzaGEyNTY6YWJkNzllZTJhM2FhNTRiMzc0YjNjMWY2ZTk4YTBmZjk5Mzc5NzUwYmU4NGRjZTg4YTVlM2QwZjdiNzFhYjgyMxJHc2hhMjU2OjE0ODQyOTkzNmI3NDI2ZjQ1OWMwOGJiN2ZiZjRlM2JhZDI5ODM2OTdlMjkyNzgxNDgwMzQ5MWYxMjMwMDQ5NDYaD1sxLzFdIENPUFkgYSAvYSoMCP/2iNgGEI/Vh5QC',
  'Cr8BCkdzaGEyNTY6YWJkNzllZTJhM2FhNTRiMzc0YjNjMWY2ZTk4YTBmZjk5Mzc5NzUwYmU4NGRjZTg4YTVlM2QwZjdiNzFhYjgyMxJHc2hhMjU2OjE0ODQyOTkzNmI3NDI2ZjQ1OWMwOGJiN2ZiZjRlM2JhZDI5ODM2OTdlMjkyNzgxNDgwMzQ5MWYxMjMwMDQ5NDYaD1sxLzFdIENPUFkgYSAvYSoMCP/2iNgGEI/Vh5QCMgwI//aI2AYQ04CgsgI=',
]
const INTERNAL =
  'Cn0KR3NoYTI1Njo5Njc5NTgyYWRjOGU1ZDU0OTZkN2NkZTdjMGI2NzIwNWE4YzlkZTc2ODE2ZTRmMzcyMmMyYTI2NTM1NjJkNGFmGiRbaW50ZXJuYWxdIGxvYWQgcmVtb3RlIGJ1aWxkIGNvbnRleHQqDAj/9ojYBhCjqbe/AQ=='

it('names each step once, when it begins', () => {
  const trace = buildTrace()
  expect(SENT.map((sent) => trace(sent))).toEqual([[], ['[1/1] COPY a /a'], []])
})

it('says nothing of what BuildKit does for itself', () => expect(buildTrace()(INTERNAL)).toEqual([]))

it('hands on what a program prints, by lines', () => {
  const log = text(
    3,
    Buffer.concat([text(1, 'sha256:aa'), Buffer.from([3 << 3, 1]), text(4, 'one\r\ntwo\n\n')]),
  )
  expect(buildTrace()(message(log, text(4, 'a warning')))).toEqual(['one', 'two'])
})

it('passes over what it cannot read', () => {
  expect(buildTrace()(message(Buffer.from([0x0b, 1, 2])))).toEqual([])
  expect(buildTrace()(message(text(1, 'x'.repeat(300)).subarray(0, 9)))).toEqual([])
  expect(buildTrace()('')).toEqual([])
})
