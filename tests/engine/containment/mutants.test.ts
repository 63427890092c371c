import { beforeAll, describe, expect, it } from 'vitest'
import { runMutants, survives, type Outcomes } from '../../unit/containment/mutants/mutant.ts'
import { ENGINE_MUTANTS } from './mutants.ts'

describe('without a control of the program, the cases that name it turn red', () => {
  let outcomes: Outcomes
  beforeAll(async () => {
    outcomes = await runMutants(ENGINE_MUTANTS, { workers: 3, timeoutMs: 120_000 })
  }, 600_000)

  it.each(ENGINE_MUTANTS.map((mutant) => ({ name: `${mutant.control}: ${mutant.ids.join(', ')}`, mutant })))(
    '$name',
    ({ mutant }) => {
      expect(survives(mutant, outcomes)).toEqual([])
    },
  )
})
