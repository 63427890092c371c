/** Codex from npm in a bottle: it works, and what signs it in never comes in. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import type { Ended, Program } from '../cli/program.ts'
import { leaks } from '../containment/secrets.ts'
import { openApi, type Api } from '../../../scripts/labs/model-api/api.ts'
import { callOutputs, openai, type Turn } from '../../../scripts/labs/model-api/openai.ts'
import { noTmux } from '../cli/screen.ts'
import { applied, removed } from './applied.ts'
import { AUTHOR, FORGE, openRemote, type Remote } from './remote.ts'
import { sweep } from './sweep.ts'

const KEY = `sk-proj-${randomBytes(30).toString('hex')}`
const env = { OPENAI_KEY: KEY }
/** Declared beside the API, without a credential. */
const OTHER = 'docs.acme.example'
/** Of a file that every start leaves in the home. */
const CONTROL = 'auth_mode'

if (noTmux !== undefined) process.stdout.write(`screen of codex: skipped, ${noTmux}\n`)

let api: Api
let program: Program
let remote: Remote
/** What the model says to the agent that is started next. */
let turns: readonly Turn[] = []
let gate: (token: string) => Promise<void> = () => Promise.resolve()

beforeAll(async () => {
  api = await openApi((asked) => openai(turns, (token) => gate(token))(asked))
  remote = await openRemote(api.address)
  program = openProgram('codex', env)
  await applied(
    program,
    api,
    ['api.openai.com', OTHER, FORGE],
    `bottles:
  one:
    resources: { memory: 2GiB, pids: 512 }
    agent_provider: { template: codex, api_key_ref: OPENAI_KEY }
    egress:
      log: all
      routes:
        - { host: api.openai.com, allow_private: true }
        - { host: ${OTHER}, allow_private: true, matches: [{ methods: [GET] }] }
    git: ${remote.declared}
`,
  )
}, 600_000)
afterAll(async () => {
  await removed(program, api)
  await remote?.close()
})

const shell = (cmd: string): Turn => ({ call: { name: 'exec_command', input: { cmd } } })
const headless = (prompt: string, ...extra: readonly string[]): Promise<Ended> =>
  program.run(['run', '--headless', '--prompt', prompt, 'one', ...(extra.length > 0 ? ['--', ...extra] : [])])
/** What the last tool answered. */
const answered = (): string => {
  const last = api.asked.findLast(({ body }) => body.includes('"function_call_output"'))
  return callOutputs(last?.body ?? '').at(-1) ?? ''
}

describe('the agent', () => {
  it('runs a command, edits a file, commits, pushes and ends with its own exit code', async () => {
    const patch = (...lines: readonly string[]): Turn =>
      shell(`cd app && apply_patch <<'EOF'\n*** Begin Patch\n${lines.join('\n')}\n*** End Patch\nEOF`)
    turns = [
      shell(`git clone -q ${remote.url} app && cd app && git checkout -q -b agent/task `),
      patch('*** Add File: made.txt', '+first line'),
      patch('*** Update File: made.txt', '@@', '-first line', '+edited line'),
      shell('cd app && git add . && git commit -q -m "Make it" && git push -q origin agent/task'),
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
      shell(`cd app && git checkout -q -b agent/leak && ${leak} && ${commit} && git push origin agent/leak`),
      { tokens: ['It is refused.'] },
    ]
    const { code } = await headless('Push the key.')
    expect(code).toBe(0)
    expect(answered()).toMatch(/remote: +\[token\/private-key-pkcs8\] in deploy\.pem:1/)
    expect(remote.branches()).not.toContain('agent/leak')
  })

  it('reads why a host is refused, and asks once', async () => {
    turns = [shell('curl -sS http://refused.example/x'), { tokens: ['It is refused.'] }]
    const { code } = await headless('Fetch it.')
    expect(code).toBe(0)
    expect(answered()).toContain('bot-bottle: refused.example is not declared for this bottle')
    const log = (await program.must('logs --egress one')).out.split('\n')
    expect(log.filter((line) => line.includes('refused.example'))).toHaveLength(1)
  })

  it('goes on when it has read what signs it in', async () => {
    turns = [shell('cat ~/.codex/auth.json'), { tokens: ['I have seen it.'] }]
    const { code, out } = await headless('Look around.')
    expect([code, out.trim()]).toEqual([0, 'I have seen it.'])
    expect(answered()).toContain('auth_mode')
    expect(answered()).not.toContain('bot_bottle_placeholder_')
  })

  it.skipIf(noTmux !== undefined)(
    'begins on a terminal with its prompt, and says each token when it comes',
    async () => {
      const second = Promise.withResolvers<void>()
      // The second token is sent only when the first was seen here.
      gate = (token) => (token.startsWith('second') ? second.promise : Promise.resolve())
      turns = [{ tokens: ['first-token\n\n', 'second-token\n'] }]
      const screen = program.screen('run one')
      try {
        const shown = () => expect.poll(() => screen.text())
        await shown().toMatch(/OpenAI Codex[^]*\/workspace/)
        expect(screen.text()).not.toMatch(/trust|sign in|log in|API key|error|update/i)
        screen.press('say it')
        await shown().toMatch(/say it/)
        screen.press('Enter')
        await shown().toMatch(/first-token/)
        expect(screen.text()).not.toContain('second-token')
        second.resolve()
        await shown().toMatch(/second-token/)
        screen.press('/quit')
        await shown().toMatch(/\/quit/)
        screen.press('Enter')
        await expect.poll(() => screen.code() ?? screen.text()).toBe(0)
      } finally {
        gate = () => Promise.resolve()
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
    turns = [shell(`curl -sS https://${OTHER}/page`), { tokens: ['Read.'] }]
    expect((await headless('Read the page.')).code).toBe(0)
    const others = api.asked.filter(({ host }) => host === OTHER)
    expect(others.map(({ path, headers }) => [path, headers.authorization])).toEqual([['/page', undefined]])
    for (const { headers, body } of api.asked.filter(({ host }) => host !== OTHER)) {
      expect(headers.authorization).toBe(`Bearer ${KEY}`)
      expect(JSON.stringify(headers) + body).not.toContain('bot_bottle_placeholder_')
      expect(leaks(body, { KEY })).toEqual([])
    }
  })

  it('(CRD-07) is masked where its API says it', async () => {
    turns = [{ tokens: ['It is ', KEY, ', I think.'] }]
    const { code, out } = await headless('What is your key?')
    expect([code, out.trim()]).toEqual([0, `It is ${'*'.repeat(KEY.length)}, I think.`])
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
    const { OPENAI_API_KEY: placeholder } = JSON.parse(
      (await program.must('exec one cat /home/agent/.codex/auth.json')).out,
    ) as { readonly OPENAI_API_KEY: string }
    const values = { KEY, 'key of the remote': remote.key, placeholder }
    const found = await sweep(program, 'one', values, CONTROL)
    expect(found.filter((place) => !place.startsWith('placeholder: '))).toEqual([])
    expect(found).toEqual(
      expect.arrayContaining(['placeholder: home and workspace', 'placeholder: memory of its processes']),
    )
    gate = () => Promise.resolve()
    waiting.resolve()
    expect((await working).out).toBe('swept\n')
  })

  it('is shown by name alone', async () => {
    const shown = await Promise.all(
      ['diff', 'diff --output json', 'status', 'status --output json', 'explain image/one'].map((words) =>
        program.run(words),
      ),
    )
    const text = shown.map(({ out, err }) => out + err).join('\n')
    expect(text).toContain('OPENAI_KEY')
    expect(leaks(text, { KEY })).toEqual([])
  })
})
