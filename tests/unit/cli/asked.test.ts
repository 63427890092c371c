/** Values under `?`: asked on the terminal by name, not shown, kept nowhere. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openProgram } from './program.ts'

const MANIFEST = `version: 1
stack: acme
bottles:
  dev:
    env: { SEED: "?", CI: "1" }
    egress:
      routes:
        - host: api.example
          matches: [{ methods: [GET], paths: [{ prefix: / }] }]
          auth: { scheme: bearer, token_ref: "?" }
agents:
  one: { bottle: dev }
  two: { bottle: dev }
`
/** In the order of the questions. */
const TYPED = ['token-of-one-71', 'token-of-two-72', 'seed-of-one-73', 'seed-of-two-74']

let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
})
afterEach(() => program.close())

const apply = (typed: readonly string[]) =>
  program.run('apply -y', { terminal: true, stdin: typed.map((one) => `${one}\r`).join('') })
const questions = (text: string) => text.match(/value for .*?(?= \(not shown\):)/g)

it('is a question for each credential and each variable, says what it is for, and shows nothing', async () => {
  const { code, stdout, stderr } = await apply(TYPED)
  expect([code, stderr]).toEqual([0, expect.any(String)])
  expect(questions(stderr)).toEqual([
    'value for route/one/api.example',
    'value for route/two/api.example',
    'value for env.SEED of bottle one',
    'value for env.SEED of bottle two',
  ])
  const { one, two } = program.world.read().stacks['acme']!.bundles
  expect([one, two].map((bundle) => Object.values(bundle!.config!.secrets))).toEqual([
    ['token-of-one-71'],
    ['token-of-two-72'],
  ])
  for (const value of TYPED) expect(`${stdout}${stderr}`).not.toContain(value)
})

it('leaves nothing in the state folder or the record, and then there is nothing to do', async () => {
  await apply(TYPED)
  const files = readdirSync(join(program.folder, '.bot-bottle'), { recursive: true, withFileTypes: true })
  expect(files.length).toBeGreaterThan(5)
  const kept = files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'))
  const record = JSON.stringify(program.world.read().stacks['acme']!.record)
  for (const value of TYPED) expect(`${kept.join('')}${record}`).not.toContain(value)
  expect((await program.run('diff')).stdout).toContain('in sync')
})

it('is asked again only for the agent that is given its environment anew', async () => {
  await apply(TYPED)
  program.write(
    'bottles.yaml',
    MANIFEST.replace('two: { bottle: dev }', 'two: { bottle: dev, env: { CI: "2" } }'),
  )
  const { code, stderr } = await apply(['token-of-two-75', 'seed-of-two-76'])
  expect(code).toBe(0)
  expect(questions(stderr)).toEqual(['value for route/two/api.example', 'value for env.SEED of bottle two'])
})

it('that cannot be asked, or is not answered, stops everything before it begins', async () => {
  const alone = await program.run('apply -y', { stdin: `${TYPED.join('\n')}\n` })
  expect([alone.code, alone.stderr]).toEqual([
    2,
    expect.stringContaining('has to be asked for, and there is no terminal'),
  ])
  const silent = await apply(TYPED.slice(0, 3))
  expect([silent.code, silent.stderr]).toEqual([2, expect.stringContaining('was not answered')])
  expect(program.world.read().stacks['acme']?.bottles ?? {}).toEqual({})
})
