/** Asks for a value on a terminal without showing it. */
import type { ReadStream, WriteStream } from 'node:tty'
import { UsageError } from '../model/errors.ts'

export interface Terminal {
  readonly input: ReadStream
  readonly output: WriteStream
}

const ENTER = new Set(['\r', '\n', '\u0004'])
const RUBOUT = new Set(['\u007f', '\b'])

/** Resolves with what was typed until Enter; Ctrl-C refuses. The terminal is as before afterwards. */
export async function askHidden({ input, output }: Terminal, question: string): Promise<string> {
  output.write(`${question}: `)
  const wasRaw = input.isRaw
  input.setRawMode(true)
  input.setEncoding('utf8')
  try {
    return await typed(input)
  } finally {
    input.setRawMode(wasRaw)
    input.pause()
    output.write('\n')
  }
}

function typed(input: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let value = ''
    const done = (end: () => void) => {
      input.off('data', take)
      input.off('end', gone)
      end()
    }
    const gone = () => done(() => reject(notAnswered()))
    const take = (text: string) => {
      for (const key of text) {
        if (key === '\u0003') return done(() => reject(notAnswered()))
        if (ENTER.has(key)) return done(() => resolve(value))
        value = RUBOUT.has(key) ? [...value].slice(0, -1).join('') : value + key
      }
    }
    input.on('data', take)
    input.once('end', gone)
    input.resume()
  })
}

function notAnswered(): UsageError {
  return new UsageError('the question for a secret was not answered', {
    code: 'secret-not-given',
    hint: 'nothing was done; run the command again',
  })
}
