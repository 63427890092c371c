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
