/** A saved plan asks nothing when it is carried out: nobody but who saved it decides what it says. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(async () => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
  program.write('other.yaml', MANIFEST.replace('api.github.com', 'evil.example'))
  await program.run('diff --out plan.json', { env: TOKEN })
})
afterEach(() => program.close())

const path = () => join(program.folder, 'plan.json')
const saved = () => JSON.parse(readFileSync(path(), 'utf8'))
const carriedOut = async (content: unknown) => {
  program.write('plan.json', JSON.stringify(content))
  return program.run('apply --plan plan.json', { env: TOKEN })
}
const nothingDone = () => expect(Object.keys(program.world.read().stacks)).toEqual([])

describe('a saved plan is refused', () => {
  test.each<[string, (plan: ReturnType<typeof saved>) => unknown]>([
    [
      'that names another manifest',
      (plan) => ({ ...plan, source: { ...plan.source, files: [join(program.folder, 'other.yaml')] } }),
    ],
    ['that takes over by itself', (plan) => ({ ...plan, options: { ...plan.options, takeOver: true } })],
    ['that forces by itself', (plan) => ({ ...plan, options: { ...plan.options, force: true } })],
    ['with other values', (plan) => ({ ...plan, source: { ...plan.source, sets: ['stack=beta'] } })],
    ['without a signature', ({ signature: _, ...plan }) => plan],
    ['with a signature that is none', (plan) => ({ ...plan, signature: 7 })],
    ['with the signature of nothing', (plan) => ({ ...plan, signature: '' })],
  ])('%s', async (_, change) => {
    const { code, stderr } = await carriedOut(change(saved()))
    expect(code).toBe(5)
    expect(stderr).toContain(path())
    expect(stderr).toMatch(/diff --out .*apply -f FILE/s)
    nothingDone()
  })

  test('that another installation made', async () => {
    const { code } = await program.run(
      `apply --plan plan.json --state-dir ${join(program.folder, 'elsewhere')}`,
      { env: TOKEN },
    )
    expect(code).toBe(5)
    nothingDone()
  })
})

test.each([
  ['with a number that JSON cannot say', (text: string) => text.replace('{', '{"a":1e400,')],
  [
    'that is nested without end',
    (text: string) => text.replace('{', `{"a":${'['.repeat(2e5)}${']'.repeat(2e5)},`),
  ],
])('a plan %s is none', async (_, change) => {
  program.write('plan.json', change(readFileSync(path(), 'utf8')))
  const { code, stderr } = await program.run('apply --plan plan.json', { env: TOKEN })
  expect([code, stderr.includes('is not a saved plan of this version')]).toEqual([2, true])
  nothingDone()
})

test('white space and the order of members are not its content', async () => {
  expect((await carriedOut(Object.fromEntries(Object.entries(saved()).reverse()))).code).toBe(0)
})

test('the key of the signature is its owner’s only, and in no plan', () => {
  const key = join(program.folder, '.bot-bottle', 'plan-key')
  expect(statSync(key).mode & 0o777).toBe(0o600)
  expect(readFileSync(path(), 'utf8')).not.toContain(readFileSync(key, 'utf8').trim())
})
