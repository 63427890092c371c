/** A program of this machine that helps to build an image: no shell, a small environment, its lines as progress. */
import { DriverError } from '../../../model/errors.ts'

/** Of what a program printed, kept for its error. */
const LAST_LINES = 50

/** To its end; throws with the last it said unless it ends with 0. */
export async function runOnHost(
  argv: readonly [string, ...string[]],
  progress: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const [program, ...rest] = argv
  const { execa } = await import('execa')
  const child = execa(program, rest, {
    cancelSignal: signal,
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    // What mmdebstrap started would go on writing into a folder that is removed.
    killDescendants: true,
    env: { PATH: process.env['PATH'] ?? '', DEBIAN_FRONTEND: 'noninteractive', HOME: '/root' },
    extendEnv: false,
  })
  const tail: string[] = []
  for await (const line of child.iterable({ from: 'all' })) {
    if (line.trim()) progress(line.trim())
    tail.push(line)
    if (tail.length > LAST_LINES) tail.shift()
  }
  const { failed, exitCode, cause } = await child
  signal.throwIfAborted()
  if (!failed) return
  const how = exitCode === undefined ? 'was ended, or did not start' : `failed with exit code ${exitCode}`
  throw new DriverError(`${argv.slice(0, 2).join(' ')} ${how}: ${tail.join('\n').trim().slice(-400)}`, {
    code: 'base-image',
    hint: 'check that apt-get reaches its mirror: apt-get update',
    cause,
  })
}
