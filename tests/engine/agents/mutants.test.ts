import { beforeAll, describe, expect, it } from 'vitest'
import { runMutants, survives, type Mutant, type Outcomes } from '../../unit/containment/mutants/mutant.ts'
import { AGENT_MUTANTS, FURTHER_AGENT_MUTANTS } from './mutants.ts'

/** In a long run each is alone. */
const mutants: readonly Mutant[] =
  process.env['BOT_BOTTLE_LONG'] === '1'
    ? [...AGENT_MUTANTS, ...FURTHER_AGENT_MUTANTS].map((mutant) => ({ ...mutant, copy: mutant.control }))
    : AGENT_MUTANTS

describe('without what keeps a credential away, an agent’s test turns red', () => {
  let outcomes: Outcomes
  beforeAll(async () => {
    outcomes = await runMutants(mutants, { workers: 2, timeoutMs: 120_000 })
  }, 900_000)

  it.each(mutants.map((mutant) => ({ name: `${mutant.control}: ${mutant.ids.join(', ')}`, mutant })))(
    '$name',
    ({ mutant }) => {
      expect(survives(mutant, outcomes)).toEqual([])
    },
  )
})
