/** A task in the manifest: Claude Code is started with it by an apply, once, or again each time it ends. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import type { Program } from '../cli/program.ts'
import { anthropic } from '../../../scripts/labs/model-api/anthropic.ts'
import { openApi, type Api } from '../../../scripts/labs/model-api/api.ts'
import { applied, removed } from './applied.ts'

const TOKEN = `sk-ant-oat01-${randomBytes(30).toString('hex')}`

let api: Api
let program: Program

const TASK = ', headless: { prompt: Paint the fence. }'
let uplink = ''
const manifest = (headless: string, env = 'A: "1"'): string => `bottles:
  dev:
    resources: { memory: 2GiB, pids: 512 }
    agent_provider: { template: claude, auth_token: CLAUDE_TOKEN }
    egress: { routes: [{ host: api.anthropic.com, allow_private: true }] }
agents:
  one: { bottle: dev, env: { ${env} }${headless} }
`
const put = (text: string): void => program.manifest(`${uplink}${text}`)
const asksFor = (task: string): number =>
  api.asked.filter(({ path, body }) => path.startsWith('/v1/messages') && body.includes(task)).length
const said = async (words: string): Promise<void> =>
  expect.poll(async () => (await program.must('logs one')).out, { timeout: 60_000 }).toContain(words)
const state = async (): Promise<string> => (await program.must('status')).out

beforeAll(async () => {
  let answers = 0
  api = await openApi((asked) =>
    anthropic([{ tokens: [`answer ${(answers += 1)}`] }], () => Promise.resolve())(asked),
  )
  program = openProgram('task', { CLAUDE_TOKEN: TOKEN })
  await applied(program, api, ['api.anthropic.com'], manifest(', headless: { prompt: Sweep the yard. }'))
  uplink = `uplink:\n  trust: [api.pem]\n  hosts: { api.anthropic.com: ${api.address} }\n`
}, 600_000)
afterAll(() => removed(program, api))

it('an apply starts its program, whose output stands in the log', async () => {
  await said('answer')
  expect(asksFor('Sweep the yard.')).toBeGreaterThan(0)
  await expect.poll(state).toContain('exited')
})

it('the next apply has nothing to do, and starts nothing', async () => {
  const before = api.asked.length
  expect((await program.must('apply')).out).toMatch(/in sync|nothing to do/i)
  expect(api.asked).toHaveLength(before)
})

it('another task is begun with consent', async () => {
  put(manifest(TASK))
  const asked = await program.run('apply')
  expect([asked.code, asked.out + asked.err]).toEqual([5, expect.stringContaining('agent restarts')])
  expect(asksFor('Paint the fence.')).toBe(0)
  expect((await program.must('apply --yes')).err).toContain('its agent has begun the task')
  await expect.poll(() => asksFor('Paint the fence.'), { timeout: 60_000 }).toBeGreaterThan(0)
  await expect.poll(state).toContain('exited')
})

it('an apply that ended its program and failed leaves it to the next one, also where that has nothing else to do', async () => {
  const long = manifest(', headless: { prompt: Watch the gate., on_exit: restart }')
  put(long)
  await program.must('apply --yes')
  await expect.poll(() => asksFor('Watch the gate.'), { timeout: 60_000 }).toBeGreaterThan(0)
  await program.must(['exec', 'one', 'sh', '-c', 'rm ~/.claude.json; chmod 500 ~'])
  put(long.replace('A: "1"', 'A: "2"'))
  const failed = await program.run('apply --yes')
  expect([failed.code, failed.err]).toEqual([4, expect.stringContaining('.claude')])
  await program.must(['exec', 'one', 'sh', '-c', 'chmod 700 ~'])
  const before = asksFor('Watch the gate.')
  put(long)
  const { out, err } = await program.must('apply')
  expect([out, err]).toEqual([
    expect.stringContaining('headless not started'),
    expect.stringContaining('its agent has begun the task'),
  ])
  await expect.poll(() => asksFor('Watch the gate.'), { timeout: 60_000 }).toBeGreaterThan(before)
  put(manifest(TASK))
  await program.must('apply --yes')
  await expect.poll(state, { timeout: 60_000 }).toContain('exited')
})

it('one that is to go on is started again each time it ends, until the manifest says otherwise', async () => {
  const before = asksFor('Paint the fence.')
  put(manifest(TASK.replace(' }', ', on_exit: restart }')))
  expect((await program.must('apply')).out).toContain('no agent restarts')
  await expect.poll(() => asksFor('Paint the fence.') - before, { timeout: 90_000 }).toBeGreaterThan(1)
  put(manifest(TASK))
  await program.must('apply')
  await expect.poll(state, { timeout: 60_000 }).toContain('exited')
})

it('an agent that works is there again when its environment has changed', async () => {
  put(manifest(''))
  await program.must('apply')
  const working = program.terminal('run one')
  await expect.poll(state, { timeout: 60_000 }).toContain('working')
  put(manifest('', 'A: "2"'))
  expect((await program.run('apply')).code).toBe(5)
  expect(await state()).toContain('working')
  expect((await program.must('apply --yes')).err).toContain('its agent goes on')
  await working.ended
  // It has nothing to go on with, and begins anew: for a moment no program runs.
  const variables = async (): Promise<readonly string[]> => {
    const look = 'tr "\\0" "\\n" < /proc/$(pgrep -o claude)/environ'
    return (await program.run(['exec', 'one', 'sh', '-c', look])).out.split('\n')
  }
  await expect.poll(variables).toContain('A=2')
  expect(await state()).toContain('working')
})
