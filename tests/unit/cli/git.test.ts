/** What a bottle's git is told, as a user of the program sees it: live, asked for nothing, mended. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { drift } from '../../../src/drivers/memory/drift.ts'
import { openProgram } from './program.ts'

const MANIFEST = `version: 1
stack: acme
bottles:
  dev:
    env: { SEED: "?" }
    egress:
      routes:
        - host: api.example
          matches: [{ methods: [GET], paths: [{ prefix: / }] }]
          auth: { scheme: bearer, token_ref: "?" }
    git: { user: { name: Acme Bot, email: bot@acme.example } }
agents:
  one: { bottle: dev }
`
let program: ReturnType<typeof openProgram>
beforeEach(async () => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
  await program.run('apply -y', { terminal: true, stdin: 'token-of-one-71\rseed-of-one-73\r' })
})
afterEach(() => program.close())

const agent = () => program.world.read().stacks['acme']?.bottles['one']?.agent

it('is written when the bottle is made, and shown with the line that says it', async () => {
  expect(agent()?.gitConfig).toContain('name = "Acme Bot"')
  const { stdout } = await program.run('explain guest/one')
  expect(stdout).toMatch(/git\.user\.email.*bot@acme\.example.*bottles\.yaml:11/)
})

it('is changed live by an edit, which needs no secret, no question and no consent', async () => {
  const before = agent()
  program.write(
    'bottles.yaml',
    MANIFEST.replace('{ bottle: dev }', '{ bottle: dev, git: { user: { name: One } } }'),
  )
  const { code, stderr } = await program.run('apply')
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('value for')])
  expect(agent()?.gitConfig).toContain('name = "One"')
  expect(agent()?.gitConfig).toContain('email = "bot@acme.example"')
  expect(agent()?.id).toBe(before?.id)
  expect(agent()?.guest?.['env']).toEqual(before?.guest?.['env'])
  expect((await program.run('diff')).code).toBe(0)
})

it('is drift where somebody changed it by hand, and written anew', async () => {
  const told = agent()?.gitConfig
  drift(program.world, 'acme').editGitConfig('one', '[user]\n\tname = Somebody\n')
  const { code, stdout } = await program.run('diff --drift')
  expect([code, stdout]).toEqual([1, expect.stringContaining('drift: git changed by hand')])
  expect((await program.run('apply')).code).toBe(0)
  expect(agent()?.gitConfig).toBe(told)
  expect((await program.run('diff')).code).toBe(0)
})

it('is taken away when nothing is declared any more', async () => {
  program.write('bottles.yaml', MANIFEST.replace(/ {4}git:.*\n/, ''))
  expect((await program.run('apply')).code).toBe(0)
  expect(agent()?.gitConfig).toBeUndefined()
  expect(agent()?.guest).not.toHaveProperty('git')
  expect((await program.run('diff')).code).toBe(0)
})
