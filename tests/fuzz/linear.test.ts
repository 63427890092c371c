/**
 * Time grows no faster than length, for texts that are built to be costly: four times the text takes less than ten times
 * as long. Both are measured in this run, in processor time of this thread, the best of several, so that nothing depends
 * on the machine or on what else it does.
 */
import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../sidecars/detect/samples.ts'
import { Wire } from '../../sidecars/http/wire.ts'
import { TARGETS } from './targets.ts'
import type { Target } from './target.ts'

const long = process.env['BOT_BOTTLE_LONG'] === '1'
const SEED = process.env['BOT_BOTTLE_SEED'] ?? '1'
/** Units of words, chosen by chance, for each family that chooses. */
const UNITS = long ? 16 : 4
/** Four times as much of what is quadratic takes sixteen times as long. */
const MOST = 10
/** A difference below this is noise, milliseconds. */
const NOISE = 60

/** Of this thread, milliseconds. */
function processorTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

async function took(target: Target, bytes: Buffer): Promise<number> {
  const began = processorTime()
  await target.run(bytes)
  return processorTime() - began
}

/** The best of a few: whatever else the machine does only adds. */
async function best(target: Target, bytes: Buffer): Promise<number> {
  let least = await took(target, bytes)
  for (let again = 0; again < 2; again++) least = Math.min(least, await took(target, bytes))
  return least
}

describe.each(TARGETS.filter(({ costly }) => costly.length > 0))('$name', (target) => {
  it('(PXY-34) takes time in proportion to its input', { timeout: 1_200_000 }, async () => {
    const steep: object[] = []
    for (const [family, build] of target.costly.entries()) {
      for (let unit = 0; unit < (build.length > 1 ? UNITS : 1); unit++) {
        const made = (repeat: number): Buffer => build(repeat, seeded(`${SEED} ${family} ${unit}`))
        const [shorter, longer] = [made(2000), made(8000)]
        // What is steep is so each time.
        for (let tried = 0; tried < 3; tried++) {
          const [once, more] = [await best(target, shorter), await best(target, longer)]
          if (more <= once * MOST + NOISE) break
          if (tried === 2)
            steep.push({ family, unit, once, more, bytes: made(8).toString('latin1').slice(0, 80) })
        }
      }
    }
    expect(steep).toEqual([])
  })
})

/** Time to read so many pieces that arrived while nobody read. */
function draining(pieces: number): number {
  const socket = new Duplex({ read() {}, write: (_piece, _encoding, done) => done() })
  const wire = new Wire(socket)
  for (let count = 0; count < pieces; count++) socket.emit('data', Buffer.from('x'))
  const began = processorTime()
  while (wire.take()) continue
  wire.destroy()
  return processorTime() - began
}

it('(PXY-34) pieces that waited for a reader are read in proportion to their number', () => {
  const least = (pieces: number): number => Math.min(...[1, 2, 3].map(() => draining(pieces)))
  expect(least(60_000)).toBeLessThan(least(15_000) * MOST + NOISE)
})
