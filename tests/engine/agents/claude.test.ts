/** Claude Code from npm in a bottle: it works, and what signs it in never comes in. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import type { Ended, Program } from '../cli/program.ts'
import { leaks } from '../containment/secrets.ts'
import { anthropic, toolResults, type Turn } from '../../../scripts/labs/model-api/anthropic.ts'
import { openApi, type Api } from '../../../scripts/labs/model-api/api.ts'
import { noTmux } from '../cli/screen.ts'
import { applied, removed } from './applied.ts'
import { AUTHOR, FORGE, openRemote, type Remote } from './remote.ts'
import { sweep } from './sweep.ts'

const TOKEN = `sk-ant-oat01-${randomBytes(30).toString('hex')}`
const env = { CLAUDE_TOKEN: TOKEN }
/** Declared beside the API, without a credential. */
const OTHER = 'docs.acme.example'

/** Of a file that every start leaves in the home. */
const CONTROL = 'hasCompletedOnboarding'

if (noTmux !== undefined) process.stdout.write(`screen of claude: skipped, ${noTmux}\n`)

let api: Api
let program: Program
let remote: Remote
/** What the model says to the agent that is started next. */
let turns: readonly Turn[] = []
let gate: (token: string) => Promise<void> = () => Promise.resolve()

beforeAll(async () => {
  api = await openApi((asked) => anthropic(turns, (token) => gate(token))(asked))
  remote = await openRemote(api.address)
  program = openProgram('claude', env)
  await applied(
    program,
    api,
    ['api.anthropic.com', OTHER, FORGE],
    `bottles:
  one:
    resources: { memory: 2GiB, pids: 512 }
    agent_provider: { template: claude, auth_token: CLAUDE_TOKEN }
    egress:
      log: all
      routes:
        - { host: api.anthropic.com, allow_private: true }
        - { host: ${OTHER}, allow_private: true, matches: [{ methods: [GET] }] }
    git: ${remote.declared}
`,
  )
}, 600_000)
afterAll(async () => {
  await removed(program, api)
  await remote?.close()
})

const schemaOf = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(`../../../schema/${name}.v1.json`, import.meta.url), 'utf8'))
const isEvent = new Ajv2020({ strict: false, schemas: [schemaOf('plan')] }).compile(schemaOf('events'))

const bash = (command: string): Turn => ({ tool: { name: 'Bash', input: { command, description: 'work' } } })
const headless = (prompt: string, ...extra: readonly string[]): Promise<Ended> =>
  program.run(['run', '--headless', '--prompt', prompt, 'one', ...(extra.length > 0 ? ['--', ...extra] : [])])
/** What the last tool answered. */
const answered = (): string => {
  const last = api.asked.findLast(({ body }) => body.includes('"tool_result"'))
  return toolResults(last?.body ?? '').at(-1) ?? ''
}

describe('the agent', () => {
  it('runs a command, edits a file, commits, pushes and ends with its own exit code', async () => {
    const path = '/workspace/app/made.txt'
    turns = [
      bash(`git clone -q ${remote.url} app && cd app && git checkout -q -b agent/task `),
      { tool: { name: 'Write', input: { file_path: path, content: 'first line\n' } } },
      { tool: { name: 'Edit', input: { file_path: path, old_string: 'first', new_string: 'edited' } } },
      bash('cd /workspace/app && git add . && git commit -q -m "Make it" && git push -q origin agent/task'),
      { tokens: ['All ', 'is ', 'done.'] },
    ]
    const { code, out } = await headless('Make the file.')
    expect([code, out.trim()]).toEqual([0, 'All is done.'])
    const by = `${AUTHOR.name} <${AUTHOR.email}>`
    const files = { 'made.txt': 'edited line' }
    expect(remote.commit('agent/task')).toEqual({ author: by, committer: by, files })
    expect((await program.must('logs one')).out).toContain('All is done.')
  })

  it('reads why its push is refused, and the secret goes nowhere', async () => {
    const leak = `node -p 'crypto.generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })' > deploy.pem`
    const commit = 'git add . && git commit -q -m Leak'
    turns = [
      bash(
        `cd /workspace/app && git checkout -q -b agent/leak && ${leak} && ${commit} && git push origin agent/leak`,
      ),
      { tokens: ['It is refused.'] },
    ]
    const { code } = await headless('Push the key.')
    expect(code).toBe(0)
    expect(answered()).toMatch(/remote: +\[token\/private-key-pkcs8\] in deploy\.pem:1/)
    expect(remote.branches()).not.toContain('agent/leak')
  })

  it('says each token when it comes', async () => {
    const said = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    // The second token is sent only when the first was seen here.
    gate = (token) => {
      if (token !== 'second-token') return Promise.resolve()
      said.resolve()
      return second.promise
    }
    turns = [{ tokens: ['first-token ', 'second-token'] }]
    const started = program.start(['run', '--headless', '--output', 'events', '--prompt', 'Speak.', 'one'])
    await said.promise
    await started.says('first-token')
    second.resolve()
    gate = () => Promise.resolve()
    const { code, out } = await started.ended
    expect(code).toBe(0)
    const deltas = out.split('\n').filter((line) => line.includes('text_delta'))
    expect(deltas.map((line) => /-token/.test(line))).toEqual([true, true])
  })

  it('reads why a host is refused, and asks once', async () => {
    turns = [bash('curl -sS http://refused.example/x'), { tokens: ['It is refused.'] }]
    const { code } = await headless('Fetch it.')
    expect(code).toBe(0)
    expect(answered()).toContain('bot-bottle: refused.example is not declared for this bottle')
    const log = (await program.must('logs --egress one')).out.split('\n')
    expect(log.filter((line) => line.includes('refused.example'))).toHaveLength(1)
  })

  it('has what it says, what is refused to it and its end as events, each valid', async () => {
    turns = [bash('curl -sS https://elsewhere.example/x'), { tokens: ['It is ', 'refused.'] }]
    const { code, out, err } = await program.run([
      'run',
      '--headless',
      '--output',
      'events',
      '--prompt',
      'Fetch.',
      'one',
    ])
    expect([code, err]).toEqual([0, ''])
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    expect(events.filter((event) => !isEvent(event))).toEqual([])
    const types = events.map(({ type }) => type)
    expect([types[0], types[1], types.at(-1)]).toEqual(['version', 'agent-started', 'agent-ended'])
    expect(events.at(-1)).toMatchObject({ bottle: 'one', code: 0 })
    expect(events.filter(({ type }) => type === 'agent-refused')).toMatchObject([
      { by: 'egress', rule: 'host-undeclared', host: 'elsewhere.example' },
    ])
    const result = events.findLast(({ type }) => type === 'agent-said')
    expect(result?.['message']).toMatchObject({ type: 'result', result: 'It is refused.' })
  })

  it('goes on when it has read its own environment', async () => {
    turns = [bash("tr '\\0' '\\n' < /proc/$PPID/environ | grep OAUTH"), { tokens: ['I have seen it.'] }]
    const { code, out } = await headless('Look around.')
    expect([code, out.trim()]).toEqual([0, 'I have seen it.'])
    expect(answered()).toContain('CLAUDE_CODE_OAUTH_TOKEN=')
    expect(answered()).not.toContain('bot_bottle_placeholder_')
  })

  it.skipIf(noTmux !== undefined)(
    'begins on a terminal with its prompt, and does what is typed',
    async () => {
      turns = [{ tokens: ['Good ', 'morning.'] }]
      const screen = program.screen('run one')
      try {
        const shown = () => expect.poll(() => screen.text())
        await shown().toMatch(/bypass permissions on/)
        expect(screen.text()).toContain('/workspace')
        expect(screen.text()).not.toMatch(/trust|theme|sign in|log in|API key|error|update/i)
        screen.press('say it', 'Enter')
        await shown().toMatch(/say it[^]*Good morning\./)
        screen.resize(120, 30)
        await shown().toMatch(/^─{120}$/m)
        screen.press('/exit')
        await shown().toMatch(/\/exit/)
        screen.press('Enter')
        await expect.poll(() => screen.code() ?? screen.text()).toBe(0)
      } finally {
        screen.close()
      }
    },
  )

  it('is ended when its time is over', async () => {
    const never = Promise.withResolvers<void>()
    gate = () => never.promise
    turns = [{ tokens: ['too late'] }]
    const { code, err } = await program.run('run --headless --timeout 5s --prompt Wait. one')
    gate = () => Promise.resolve()
    never.resolve()
    expect([code, err]).toEqual([124, expect.stringContaining('one: its agent was ended after 5 s')])
  })
})

describe('the credential', () => {
  it('(CRD-02) is on what its API gets, and on nothing that another host gets', async () => {
    turns = [bash(`curl -sS https://${OTHER}/page`), { tokens: ['Read.'] }]
    expect((await headless('Read the page.')).code).toBe(0)
    const others = api.asked.filter(({ host }) => host === OTHER)
    expect(others.map(({ path, headers }) => [path, headers.authorization])).toEqual([['/page', undefined]])
    for (const { headers, body } of api.asked.filter(({ host }) => host !== OTHER)) {
      expect(headers.authorization).toBe(`Bearer ${TOKEN}`)
      expect(JSON.stringify(headers) + body).not.toContain('bot_bottle_placeholder_')
      expect(leaks(body, { TOKEN })).toEqual([])
    }
  })

  it('(CRD-07) is masked where its API says it', async () => {
    turns = [{ tokens: ['It is ', TOKEN, ', I think.'] }]
    const { code, out } = await headless('What is your key?')
    expect([code, out.trim()]).toEqual([0, `It is ${'*'.repeat(TOKEN.length)}, I think.`])
  })

  it('(CRD-01) is nowhere in the bottle while its agent works, in any form, where the placeholder is', async () => {
    const waiting = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    gate = () => {
      asked.resolve()
      return waiting.promise
    }
    turns = [{ tokens: ['swept'] }]
    const working = headless('Wait.')
    // An agent that cannot work is swept all the same.
    await Promise.race([asked.promise, working])
    const { out } = await program.must('exec one printenv CLAUDE_CODE_OAUTH_TOKEN')
    const values = { TOKEN, 'key of the remote': remote.key, placeholder: out.trim() }
    const found = await sweep(program, 'one', values, CONTROL)
    expect(found.filter((place) => !place.startsWith('placeholder: '))).toEqual([])
    expect(found).toEqual(
      expect.arrayContaining([
        'placeholder: environment and arguments of its processes',
        'placeholder: home and workspace',
        'placeholder: memory of its processes',
        'placeholder: files of its container',
      ]),
    )
    gate = () => Promise.resolve()
    waiting.resolve()
    expect((await working).out).toBe('swept\n')
  })

  it('is shown by name alone', async () => {
    const shown = await Promise.all(
      ['diff', 'diff --output json', 'status', 'status --output json', 'explain guest/one'].map((words) =>
        program.run(words),
      ),
    )
    const text = shown.map(({ out, err }) => out + err).join('\n')
    expect(text).not.toContain('CLAUDE_CODE_OAUTH_TOKEN')
    expect(leaks(text, { TOKEN })).toEqual([])
  })
})
