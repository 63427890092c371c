import { beforeAll, describe, expect, it } from 'vitest'
import { whyNot } from '../supervisor/bundle.ts'
import { UNIT_MUTANTS } from './mutants/list.ts'
import { runMutants, survives, type Mutant, type Outcomes } from './mutants/mutant.ts'

const reason = whyNot()
const isLong = process.env['BOT_BOTTLE_LONG'] === '1'
/** In a long run each is alone, whatever shares a copy otherwise. */
const mutants = UNIT_MUTANTS.filter(
  ({ suite }) => reason === '' || !suite.startsWith('unit/supervisor/'),
).map((mutant): Mutant => (isLong ? { ...mutant, copy: mutant.control } : mutant))
if (mutants.length < UNIT_MUTANTS.length)
  process.stdout.write(`mutants of the supervisor: skipped, ${reason}\n`)

describe('without a control that has no switch, the cases that name it turn red', () => {
  let outcomes: Outcomes
  beforeAll(async () => {
    outcomes = await runMutants(mutants, { workers: 2, timeoutMs: 40_000 })
  }, 180_000)

  it.each(mutants.map((mutant) => ({ name: `${mutant.control}: ${mutant.ids.join(', ')}`, mutant })))(
    '$name',
    ({ mutant }) => {
      expect(survives(mutant, outcomes)).toEqual([])
    },
  )
})
