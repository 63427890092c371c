/** One blocked bottle does not keep the others from what they are declared to be, and the exit code tells. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { drift } from '../../../src/drivers/memory/drift.ts'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(async () => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
  await program.run('apply', { env: TOKEN })
  program.write('bottles.yaml', MANIFEST.replace('/repos/acme/', '/repos/'))
  drift(program.world, 'acme').addStranger({
    address: address.bundle('reviewer'),
    kind: 'bundle',
    driver: 'memory',
    id: 'theirs',
    ownership: 'unmarked',
    fields: {},
    health: 'ok',
  })
})
afterEach(() => program.close())

const prefix = (bottle: string) =>
  program.world.read().stacks['acme']!.bundles[bottle]!.config!.policy.routes[0]?.matches?.[0]?.paths?.[0]

describe('apply', () => {
  test('does the rest, says what is left and how to be safe, and ends with 5', async () => {
    const { code, stdout, stderr } = await program.run('apply', { env: TOKEN })
    expect(code).toBe(5)
    expect(prefix('implementer')).toEqual({ prefix: '/repos/' })
    expect(prefix('reviewer')).toEqual({ prefix: '/repos/acme/' })
    expect(stderr).toContain('bundle/reviewer blocked: its name is taken by an unmarked object')
    expect(stdout).toMatch(/BLOCKED\n +bundle\/reviewer +its name is taken/)
    expect(stdout).toContain('`bot-bottle stop reviewer` halts its agent until then')
    expect(stdout).not.toContain('everything ready')
  })

  test('ends with 5 again while nothing else is left to do', async () => {
    await program.run('apply', { env: TOKEN })
    expect((await program.run('apply', { env: TOKEN })).code).toBe(5)
  })

  test('from a saved plan too', async () => {
    const { stdout } = await program.run('diff --out plan.json', { env: TOKEN })
    expect(stdout).toContain('`apply` ends with 5')
    expect((await program.run('apply --plan plan.json', { env: TOKEN })).code).toBe(5)
    expect(prefix('implementer')).toEqual({ prefix: '/repos/' })
  })

  test('tells programs', async () => {
    const { stdout, code } = await program.run('apply --output json', { env: TOKEN })
    const { outcome, actions } = JSON.parse(stdout)
    expect([code, outcome]).toEqual([5, 'blocked'])
    expect(actions).toContainEqual(expect.objectContaining({ address: 'bundle/reviewer', status: 'blocked' }))
  })

  test('tells events', async () => {
    const { stdout } = await program.run('apply --output events', { env: TOKEN })
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'action-ended', address: 'bundle/reviewer', outcome: 'blocked' }),
    )
    expect(events.at(-1)).toMatchObject({ type: 'ended', outcome: 'blocked' })
  })
})

test('a comment on a pull request says what will be left', async () => {
  const { stdout } = await program.run('diff --output markdown', { env: TOKEN })
  expect(stdout).toMatch(/Blocked.*bundle\/reviewer/)
})

test('destroy takes what is ours and leaves the stranger', async () => {
  const { code } = await program.run('destroy --yes', { env: TOKEN })
  expect(code).toBe(0)
  expect(program.world.read().stacks['acme']!.strangers).toHaveLength(1)
})
