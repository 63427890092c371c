/** Pi from npm in a bottle, against an API of its own address that speaks OpenAI's Responses. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import type { Program } from '../cli/program.ts'
import { openApi, type Api } from '../../../scripts/labs/model-api/api.ts'
import { openai } from '../../../scripts/labs/model-api/openai.ts'
import { applied, removed } from './applied.ts'
import { sweep } from './sweep.ts'

const KEY = `key-${randomBytes(30).toString('hex')}`

let api: Api
let program: Program

beforeAll(async () => {
  const turns = [
    { call: { name: 'bash', input: { command: 'echo "made: $((40 + 2))" > made.txt; cat made.txt' } } },
    { tokens: ['All ', 'is ', 'done.'] },
  ]
  api = await openApi(openai(turns, () => Promise.resolve()))
  program = openProgram('pi', { LLM_KEY: KEY })
  await applied(
    program,
    api,
    ['llm.acme.example'],
    `bottles:
  dev:
    resources: { memory: 1GiB, pids: 256 }
    agent_provider:
      template: pi
      api_key_ref: LLM_KEY
      settings: { provider: acme, base_url: https://llm.acme.example/v1, model: large, api: openai-responses }
    egress:
      log: all
      routes: [{ host: llm.acme.example, allow_private: true }]
agents:
  one: { bottle: dev, prompt: Be brief and say the word parsnip. }
`,
  )
}, 600_000)
afterAll(() => removed(program, api))

it('runs a command, changes a file and ends with its own exit code', async () => {
  const { code, out } = await program.run('run --headless --prompt Work. one')
  expect([code, out.trim()]).toEqual([0, 'All is done.'])
  expect((await program.must('exec one cat made.txt')).out).toBe('made: 42\n')
  expect(api.asked.at(-1)?.body).toContain('made: 42')
})

it('is told the prompt of its agent', () => {
  expect(api.asked[0]?.body).toContain('parsnip')
})

it('asks its API with the real key, and no other host at all', async () => {
  expect(api.asked.length).toBeGreaterThan(1)
  for (const { headers, body } of api.asked) {
    expect(headers.authorization).toBe(`Bearer ${KEY}`)
    expect(body).not.toContain('bot_bottle_placeholder_')
  }
  expect((await program.must('logs --egress one')).out).not.toContain('refused')
})

it('never has the key in the bottle, in any form', async () => {
  expect(await sweep(program, 'one', { KEY }, 'made: 42')).toEqual([])
})
