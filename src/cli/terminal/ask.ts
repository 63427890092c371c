/** Questions to a person. Only on a terminal; silence, end of input and anything but a clear yes is no, Ctrl-C ends the command. */
import { createInterface } from 'node:readline'
import { BottleError, EXIT } from '../../model/errors.ts'
import { Secret } from '../../model/secret.ts'
import { safeText } from '../../model/text.ts'
import type { Invocation } from '../grammar/invocation.ts'

type Asker = Pick<Invocation, 'io' | 'output'>

export function canAsk({ io }: Asker): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true
}

export async function confirm(asker: Asker, question: string): Promise<boolean> {
  const { io, output } = asker
  if (!canAsk(asker)) return false
  output.ask(`${safeText(question)} [y/N]`)
  const lines = createInterface({ input: io.stdin, terminal: false })
  let interrupted = false
  const undo = io.onSignal('SIGINT', () => {
    interrupted = true
    lines.close()
  })
  try {
    for await (const line of lines) return /^(y|yes)$/i.test(line.trim())
    output.note([''])
    if (interrupted)
      throw new BottleError(EXIT.interrupted, 'interrupted, nothing was done', { code: 'interrupted' })
    return false
  } finally {
    undo()
    lines.close()
    io.stdin.pause()
  }
}

/** A value typed without echo; absent when nobody can be asked or nothing was typed. */
export async function askSecret(asker: Asker, name: string): Promise<Secret | undefined> {
  const { io, output } = asker
  if (!canAsk(asker) || !io.stdin.setRawMode) return undefined
  output.ask(`${safeText(name)} (not shown):`)
  io.stdin.setRawMode(true)
  let typed = ''
  try {
    for await (const chunk of io.stdin.iterator({ destroyOnReturn: false })) {
      const keys = [...String(chunk)]
      for (const [at, key] of keys.entries()) {
        if (key === '\r' || key === '\n') {
          // What was typed ahead answers the next question.
          if (at + 1 < keys.length) io.stdin.unshift(keys.slice(at + 1).join(''))
          return typed === '' ? undefined : new Secret(typed)
        }
        if (key === '\u0003' || key === '\u0004') return undefined
        typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : typed + key
      }
    }
    return undefined
  } finally {
    io.stdin.setRawMode(false)
    io.stdin.pause()
    output.note([''])
  }
}
