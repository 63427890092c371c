import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { openOutput } from '../../../src/render/output.ts'
import { styleFor } from '../../../src/render/style.ts'

/** As the process's own streams are: after an error neither destroyed nor closed, still writable, never drained. */
class ReaderGone extends Writable {
  readonly #fail: () => Error
  constructor(fail: () => Error) {
    super({ autoDestroy: false, emitClose: false, highWaterMark: 1 })
    this.#fail = fail
  }
  override _write(_chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    setImmediate(() => {
      this.emit('error', this.#fail())
      void done
    })
  }
}

const LONG_LINES = 75

/** More than a pipe holds (64 KiB) by less than a stream’s mark. */
const LONG_ANSWER = `
  const { openOutput } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/render/output.ts'))})
  const output = openOutput(process.stdout, process.stderr, {}, {}, { stdout: false, stderr: false })
  for (let line = 0; line < ${LONG_LINES}; line++) output.result(['x'.repeat(999)])
  await output.flush()
  process.exit(0)
`

const style = styleFor({ env: {}, terminal: false, columns: undefined, ascii: true })
const broken = () => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })

describe('Output whose reader goes away', () => {
  it('is flushed at once, also when the reader left before', async () => {
    for (const waits of [false, true]) {
      const stream = new ReaderGone(broken)
      const output = openOutput(stream, stream, style, style, { stdout: false, stderr: false })
      output.result(['a line'])
      expect(stream.writableNeedDrain).toBe(true)
      if (waits) await new Promise((resolve) => stream.once('error', resolve))
      await output.flush()
      expect(stream.writable).toBe(true)
    }
  })
})

/** As a pipe whose reader is slow: takes a piece when told to. */
class SlowReader extends Writable {
  readonly taken: string[] = []
  #done: (() => void) | undefined
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString())
    this.#done = done
  }
  take(): void {
    const done = this.#done
    this.#done = undefined
    done?.()
  }
}

describe('Output whose reader is slow', () => {
  it('is flushed when the reader has everything, also what is below the stream’s own mark', async () => {
    const stream = new SlowReader()
    const output = openOutput(stream, stream, style, style, { stdout: false, stderr: false })
    output.result(['first'])
    output.result(['last'])
    expect(stream.writableNeedDrain).toBe(false)
    const seen = { flushed: false }
    const flushing = output.flush().then(() => (seen.flushed = true))
    stream.take()
    await new Promise(setImmediate)
    expect([seen.flushed, stream.taken]).toEqual([false, ['first\n', 'last\n']])
    while (!seen.flushed) {
      stream.take()
      await new Promise(setImmediate)
    }
    await flushing
  })
})

describe('The program, piped to a slow reader', () => {
  it('has written all of a long answer when it ends', async () => {
    const program = spawn(process.execPath, ['--input-type=module', '--eval', LONG_ANSWER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pieces: Buffer[] = []
    // Nothing is read until the pipe is full and the program has said everything it has to say.
    await once(program.stdout, 'readable')
    for await (const piece of program.stdout) pieces.push(piece as Buffer)
    expect(Buffer.concat(pieces).length).toBe(LONG_LINES * 1000)
  })
})
