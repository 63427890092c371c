/**
 * `npm run bench:agents [-- --rounds N]`: Claude Code and Codex in a bottle beside the same program, image and home in a
 * plain container, in turn, against a model API on this machine. Images are made first. Nothing here is asserted.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { anthropic } from '../../scripts/labs/model-api/anthropic.ts'
import { openApi, type Api } from '../../scripts/labs/model-api/api.ts'
import { openai } from '../../scripts/labs/model-api/openai.ts'
import { claude } from '../../src/providers/claude/index.ts'
import { codex } from '../../src/providers/codex/index.ts'
import { emptyProgram, line, read, time, type Line } from '../measure.ts'
import { machine, table } from '../table.ts'
import { Bottle, PROMPT, type Agent } from './bottle.ts'

const TOKEN = 'first-token'
const SAID = [{ tokens: [TOKEN] }]
let sentAt = 0
/** Passed right before a token is sent. */
const gate = (token: string): Promise<void> => {
  if (token === TOKEN) sentAt = performance.now()
  return Promise.resolve()
}
const AGENTS: readonly Agent[] = [
  {
    provider: claude,
    host: 'api.anthropic.com',
    credential: 'auth_token: AGENT_KEY',
    answer: anthropic(SAID, gate),
  },
  {
    provider: codex,
    host: 'api.openai.com',
    credential: 'api_key_ref: AGENT_KEY',
    answer: openai(SAID, gate),
  },
]
const HOME = '/home/agent'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
async function linesOf(agent: Agent, rounds: number): Promise<readonly Line[]> {
  const { name } = agent.provider
  const api = await openApi(agent.answer)
  const folder = mkdtempSync(join(tmpdir(), 'bot-bottle-bench-agents-'))
  const bottle = new Bottle(agent, api, folder)
  const times = { node: [], first: [], plain: [], again: [], token: [], plainToken: [] } as Record<
    string,
    number[]
  >
  try {
    await bottle.apply()
    const container = await plainContainer(agent, api, folder, bottle.container)
    for (let round = -1; round < rounds; round++) {
      const node = await emptyProgram()
      await bottle.destroy()
      const first = await task(api, async (seen) => {
        await bottle.apply()
        await bottle.work(seen)
      })
      const again = await bottle.apply()
      const plain = await task(api, async (seen) => void (await time({ argv: container, seen })))
      if (round < 0) continue
      times['node']?.push(node)
      times['first']?.push(first.asked)
      times['plain']?.push(plain.asked)
      times['token']?.push(first.shown)
      times['plainToken']?.push(plain.shown)
      times['again']?.push(again)
    }
  } finally {
    await bottle.destroy()
    await api.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const { node = [], first = [], plain = [], again = [], token = [], plainToken = [] } = times
  return [
    line(`${name}: \`apply\` of a new bottle to the first API request`, first, {
      node,
      reference: { what: 'the same in `docker run`', times: plain },
      ratioMax: 1.3,
    }),
    line(`${name}: \`apply\` with nothing changed`, again, { node }),
    line(`${name}: a token, from the API to this terminal`, token, {
      node,
      reference: { what: 'the same in `docker run`', times: plainToken },
    }),
  ]
}

/** Milliseconds from the start of the work to the first request that the API gets, and from its first token to what is shown here. */
async function task(
  api: Api,
  work: (seen: (text: string) => void) => Promise<void>,
): Promise<{ readonly asked: number; readonly shown: number }> {
  api.asked.length = 0
  const from = performance.now()
  let [asked, shown]: (number | undefined)[] = []
  const look = setInterval(() => {
    if (api.asked.length > 0) asked ??= performance.now() - from
  }, 1)
  await work((text) => {
    if (text.includes(TOKEN)) shown ??= performance.now() - sentAt
  }).finally(() => clearInterval(look))
  if (asked === undefined || shown === undefined) throw new Error('the agent asked or said nothing')
  return { asked, shown }
}

/** The image and the home of the bottle as they are, its environment without doors, the API by its name. */
async function plainContainer(
  { provider, host }: Agent,
  api: Api,
  folder: string,
  bottle: string,
): Promise<readonly string[]> {
  const docker = async (...words: readonly string[]) => (await read({ argv: ['docker', ...words] })).trim()
  const image = await docker('inspect', '-f', '{{.Config.Image}}', bottle)
  await docker('cp', `${bottle}:${HOME}`, join(folder, 'home'))
  await read({ argv: ['chown', '-R', '1000:1000', join(folder, 'home')] })
  await docker('cp', `${bottle}:/etc/bot-bottle`, join(folder, 'etc'))
  const told = await docker('exec', bottle, 'cat', '/etc/bot-bottle/environment.json')
  const environment = Object.entries(JSON.parse(told) as Readonly<Record<string, string>>)
    .filter(([key]) => !/proxy/i.test(key))
    .map(([key, value]) => `${key}=${value.startsWith('/etc/bot-bottle/') ? '/api.pem' : value}`)
  const request = { hasPrompt: false, extra: [], events: true, settings: {}, home: HOME }
  return [
    'docker',
    'run',
    '--rm',
    '-u',
    '1000:1000',
    '-v',
    `${join(folder, 'etc')}:/etc/bot-bottle:ro`,
    '-w',
    '/workspace',
    '--add-host',
    `${host}:${api.address}`,
    '-v',
    `${join(folder, 'api.pem')}:/api.pem:ro`,
    '-v',
    `${join(folder, 'home')}:${HOME}`,
    ...environment.flatMap((each) => ['-e', each]),
    image,
    ...provider.headless(PROMPT, request),
  ]
}

const lines: Line[] = []
for (const agent of AGENTS) lines.push(...(await linesOf(agent, Number(values.rounds))))
process.stdout.write(`\n${machine()}\n\n${table(lines)}\n`)
