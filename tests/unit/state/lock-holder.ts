/** A process of its own that takes the lock of a stack, says so on standard output, and holds it until it is ended. */
import { openHome } from '../../../src/state/home.ts'
import { acquire } from '../../../src/state/lock.ts'

const [stateDir = '', stack = '', timeout = '0', counter] = process.argv.slice(2)
const home = openHome({ env: {}, stateDir })
try {
  const lock = await acquire({
    home,
    engineId: 'engine',
    stack,
    command: 'apply',
    timeoutMs: Number(timeout),
  })
  process.stdout.write('held\n')
  if (counter === undefined) setInterval(() => undefined, 1_000)
  else {
    // What only one at a time may do: read, wait, write.
    const { readFileSync, writeFileSync, existsSync } = await import('node:fs')
    const before = existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : 0
    await new Promise((resolve) => setTimeout(resolve, 30))
    writeFileSync(counter, String(before + 1))
    lock.release()
  }
} catch (error) {
  const { code, exit, message } = error as { code: string; exit: number; message: string }
  process.stdout.write(`${JSON.stringify({ code, exit, message })}\n`)
}
