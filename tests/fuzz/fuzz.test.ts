/**
 * Every parser of the sidecars that reads what an agent, an upstream or another process wrote, under mutated input for
 * a fixed time: none throws what it should refuse, none hangs, none reads the same bytes in two ways. The seed is
 * printed; BOT_BOTTLE_SEED and BOT_BOTTLE_FUZZ_SECONDS set others. What fails is kept in `fixtures/fuzz`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { FOUND, fuzz, keep } from './fuzzing.ts'
import { TARGETS } from './targets.ts'

const long = process.env['BOT_BOTTLE_LONG'] === '1'
const SEED = process.env['BOT_BOTTLE_SEED'] ?? (long ? String(Date.now()) : '1')
const SECONDS = Number(process.env['BOT_BOTTLE_FUZZ_SECONDS'] ?? (long ? 300 : 10))

describe.concurrent.each(TARGETS)('$name', ({ name, ends, run }) => {
  const folder = join(FOUND, name)
  const found = existsSync(folder) ? readdirSync(folder) : []

  it.each(found)('stays mended: %s', async (file) => {
    await run(readFileSync(join(folder, file)))
  })

  it(
    '(PXY-35) survives mutated input',
    { timeout: SECONDS * 6000 + 120_000 },
    async ({ expect: expecting }) => {
      const report = await fuzz(name, SEED, SECONDS)
      process.stdout.write(
        `fuzz ${name}: seed ${SEED}, ${report.runs} inputs, ${JSON.stringify(report.ends)}\n`,
      )
      if (report.found) keep(name, report.found.bytes)
      expecting(report.found?.why).toBeUndefined()
      expecting(Object.keys(report.ends)).toEqual(expecting.arrayContaining([...ends]))
    },
  )
})

describe.concurrent('the fire itself', () => {
  it('(ALL-03) tells of an input that throws, and makes it small', async ({ expect: expecting }) => {
    const { found } = await fuzz('throws', SEED, 30)
    expecting(Buffer.from(found?.bytes ?? []).toString()).toBe('!')
    expecting(found?.why).toContain('found')
  })

  it('(ALL-03) takes an input from a reader that does not end', async ({ expect: expecting }) => {
    const { found } = await fuzz('hangs', SEED, 30, 2)
    expecting(found?.why).toBe('it does not end')
    expecting(Buffer.from(found?.bytes ?? []).toString()).toContain('!')
  })
})
