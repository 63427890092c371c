import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { openDatabase } from '../../../src/state/database.ts'
import { openHome } from '../../../src/state/home.ts'
import { openJournal } from '../../../src/state/journal.ts'
import type { Journal } from '../../../src/state/journal.ts'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(async () => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
  const { code, stderr } = await program.run('apply', { env: TOKEN })
  if (code !== 0) throw new Error(stderr)
})
afterEach(() => program.close())

function withJournal<T>(use: (journal: Journal) => T): T {
  const home = openHome({ env: { HOME: program.folder } })
  const now = () => new Date().toISOString()
  const database = openDatabase({ home, engineId: 'memory-engine', stack: 'acme', program: 'test', now })
  try {
    return use(openJournal(database))
  } finally {
    database.close()
  }
}

/** What a run that was killed behind an effect leaves: the effect is there, its row has no end. */
const killed = (): void =>
  withJournal((journal) => {
    journal.begin(
      'killed',
      { address: address.bottle('reviewer'), verb: 'create', driver: 'memory' },
      new Date().toISOString(),
    )
  })
const pending = () => withJournal((journal) => journal.pending().length)

describe('what a killed run left open in the journal', () => {
  test('is ended by an apply that finds nothing to do', async () => {
    killed()
    const { code, stdout } = await program.run('apply', { env: TOKEN })
    expect({ code, pending: pending() }).toEqual({ code: 0, pending: 0 })
    expect(stdout).toContain('in sync')
    expect(withJournal((journal) => journal.rows().at(-1))).toMatchObject({
      run: 'killed',
      outcome: 'interrupted',
    })
  })

  test('stays as it is for a diff, which writes nothing', async () => {
    killed()
    expect((await program.run('diff', { env: TOKEN })).code).toBe(0)
    expect(pending()).toBe(1)
  })

  test('costs a journal without it no write', async () => {
    const before = withJournal((journal) => journal.rows())
    await program.run('apply', { env: TOKEN })
    expect(withJournal((journal) => journal.rows())).toEqual(before)
  })
})
