import { beforeAll, describe, expect, it } from 'vitest'
import { whyNot } from '../supervisor/bundle.ts'
import { UNIT_MUTANTS } from './mutants/list.ts'
import { runMutants, survives, type Outcomes } from './mutants/mutant.ts'

const reason = whyNot()
const mutants = UNIT_MUTANTS.filter(({ suite }) => reason === '' || !suite.startsWith('unit/supervisor/'))
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
