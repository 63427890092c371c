/** Short answers from a bottle: what a file of it says, what a program in it prints. All of it is the agent's. */
import type { Readable } from 'node:stream'
import { DriverError } from '../../model/errors.ts'
import type { Execution } from '../../ports/program.ts'
import type { OpenBottle } from '../stack/bottle.ts'
import { entriesOf } from './tar-entries.ts'

/** Bytes of an answer; what is longer is cut. */
const ANSWER_MAX = 64 * 1024 * 1024

/** How long an answer may take, milliseconds: an agent can stop every process of its own user. */
const ANSWER_MS = 120_000

export interface Answer {
  readonly code: number
  readonly out: string
  readonly isCut: boolean
  readonly complaint: string
}

export async function ask(execution: Execution, input = '', most = ANSWER_MAX): Promise<Answer> {
  const limit = setTimeout(() => execution.close(), ANSWER_MS)
  try {
    execution.stdin.on('error', () => {})
    execution.stdin.end(input)
    const [out, complaint] = await Promise.all([
      upTo(execution.stdout, most),
      execution.stderr ? upTo(execution.stderr, 64 * 1024) : { text: '', isCut: false },
    ])
    if (out.isCut) return { code: 0, out: out.text, isCut: true, complaint: complaint.text }
    const code = await execution.exit
    return { code, out: out.text, isCut: false, complaint: complaint.text.trim() }
  } finally {
    clearTimeout(limit)
    execution.close()
  }
}

async function upTo(
  stream: Readable,
  most: number,
): Promise<{ readonly text: string; readonly isCut: boolean }> {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk)
    parts.push(bytes.subarray(0, most - size))
    size += bytes.length
    if (size > most) return { text: Buffer.concat(parts).toString('utf8'), isCut: true }
  }
  return { text: Buffer.concat(parts).toString('utf8'), isCut: false }
}

/** The text of a file, through the helper; `undefined`: there is none that can be read. */
export async function fileIn({ driver, stack, name }: OpenBottle, path: string): Promise<string | undefined> {
  const execution = await driver.helper(stack, name, ['get', path])
  execution.stdin.end()
  const limit = setTimeout(() => execution.close(), ANSWER_MS)
  try {
    for await (const entry of entriesOf(execution.stdout, 'file')) {
      if (entry.size > ANSWER_MAX) return undefined
      const parts: Buffer[] = []
      for await (const part of entry.content()) parts.push(part)
      return Buffer.concat(parts).toString('utf8')
    }
  } catch {
    return undefined
  } finally {
    clearTimeout(limit)
    execution.close()
  }
  return undefined
}

/** What the helper prints; throws with its complaint. */
export async function helperAnswer(
  { driver, stack, name }: OpenBottle,
  args: readonly string[],
): Promise<string> {
  const { code, out, isCut, complaint } = await ask(await driver.helper(stack, name, args))
  if (code === 0 && !isCut) return out
  throw new DriverError(`${name}: ${isCut ? 'the answer is too long' : complaint || `exit ${code}`}`, {
    code: 'workspace-unreadable',
  })
}
