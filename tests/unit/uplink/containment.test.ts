import { describe, expect, it } from 'vitest'
import { createSwitches } from '../../../sidecars/control/switches.ts'
import { CASES } from './cases.ts'

describe('the uplink holds', () => {
  it.concurrent.each(CASES)('$name', { timeout: 30_000 }, async ({ run }) => {
    await run([])
  })
})

describe('a case that names a protection fails without it', () => {
  const rows = CASES.flatMap(({ controls, name, run }) => controls.map((control) => ({ control, name, run })))
  it.concurrent.each(rows)('$control: $name', { timeout: 30_000 }, async ({ control, run }) => {
    await expect(run([control])).rejects.toThrow()
  })
})

it('a sealed program cannot switch a protection off', () => {
  const switches = createSwitches<'one'>()
  switches.off('one')
  switches.seal()
  expect(switches.on('one')).toBe(true)
  expect(() => switches.off('one')).toThrow('cannot be switched off')
})
