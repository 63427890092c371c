/** The example of a provider as a user has it who copied it: built from its Dockerfile, at work against an API of its own address. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openApi, type Api, type Asked } from '../../../scripts/labs/model-api/api.ts'
import { install } from '../../contrib.ts'
import { openProgram } from '../cli/program.ts'
import type { Program } from '../cli/program.ts'
import { applied, removed } from './applied.ts'
import { sweep } from './sweep.ts'

const KEY = `key-${randomBytes(30).toString('hex')}`

let api: Api
let program: Program

/** A chat API: it answers with the last thing that it was told. */
const echoing = ({ body, path }: Asked) => {
  if (path !== '/v1/chat/completions') return { status: 404, json: {} }
  const { messages } = JSON.parse(body) as { readonly messages: readonly { readonly content: string }[] }
  return { json: { choices: [{ message: { content: `told: ${messages.at(-1)?.content}` } }] } }
}

beforeAll(async () => {
  api = await openApi(echoing)
  program = openProgram('plugin', { LLM_KEY: KEY })
  install(program.home, 'provider-example')
  await applied(
    program,
    api,
    ['llm.acme.example'],
    `bottles:
  dev:
    resources: { memory: 512MiB, pids: 128 }
    agent_provider:
      template: provider-example
      api_key_ref: LLM_KEY
      settings: { base_url: https://llm.acme.example/v1, model: large }
    egress:
      log: all
      routes: [{ host: llm.acme.example, allow_private: true }]
agents:
  one: { bottle: dev, prompt: Be brief and say the word parsnip. }
`,
  )
}, 600_000)
afterAll(() => removed(program, api))

it('does a task with the real key, which egress puts on its request', async () => {
  const { code, out } = await program.run(['run', '--headless', '--prompt', 'What is a bottle?', 'one'])
  expect([code, out]).toEqual([0, 'told: What is a bottle?\n'])
  const [asked] = api.asked
  expect(asked?.headers.authorization).toBe(`Bearer ${KEY}`)
  expect(JSON.parse(asked?.body ?? '')).toEqual({
    model: 'large',
    messages: [
      { role: 'system', content: expect.stringContaining('parsnip') },
      { role: 'user', content: 'What is a bottle?' },
    ],
  })
})

it('is in sync, and every plan says that it is a plug-in', async () => {
  const { code, out, err } = await program.run('diff')
  expect([code, out + err]).toEqual([0, expect.stringContaining('plugin-used')])
})

it('never has the key in the bottle, in any form', async () => {
  expect(await sweep(program, 'one', { KEY }, 'parsnip')).toEqual([])
})
