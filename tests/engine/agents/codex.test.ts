/** Codex from npm in a bottle: it works, and what signs it in never comes in. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import type { Ended, Program } from '../cli/program.ts'
import { leaks } from '../containment/secrets.ts'
import { openApi, type Api } from '../../../scripts/labs/model-api/api.ts'
import { openai, type Turn } from '../../../scripts/labs/model-api/openai.ts'
import { applied, removed } from './applied.ts'
import { sweep } from './sweep.ts'

const KEY = `sk-proj-${randomBytes(30).toString('hex')}`
const env = { OPENAI_KEY: KEY }

let api: Api
let program: Program
/** What the model says to the agent that is started next. */
let turns: readonly Turn[] = []
let gate: (token: string) => Promise<void> = () => Promise.resolve()

beforeAll(async () => {
  api = await openApi((asked) => openai(turns, (token) => gate(token))(asked))
  program = openProgram('codex', env)
  await applied(
    program,
    api,
    'api.openai.com',
    `bottles:
  one:
    resources: { memory: 2GiB, pids: 512 }
    agent_provider: { template: codex, api_key_ref: OPENAI_KEY }
    egress:
      log: all
      routes: [{ host: api.openai.com, allow_private: true }]
`,
  )
}, 600_000)
afterAll(() => removed(program, api))

const shell = (cmd: string): Turn => ({ call: { name: 'exec_command', input: { cmd } } })
const headless = (prompt: string, ...extra: readonly string[]): Promise<Ended> =>
  program.run(['run', '--headless', '--prompt', prompt, 'one', ...(extra.length > 0 ? ['--', ...extra] : [])])
/** What tools answered, in the last request of the conversation. */
const answered = (): string => {
  const last = api.asked.findLast(({ body }) => body.includes('"function_call_output"'))
  return last?.body ?? ''
}

describe('the agent', () => {
  it('runs a command, edits a file and ends with its own exit code', async () => {
    turns = [
      shell('echo "sum: $((40 + 2))"'),
      shell("apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: made.txt\n+first line\n*** End Patch\nEOF"),
      shell(
        "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: made.txt\n@@\n-first line\n+edited line\n*** End Patch\nEOF",
      ),
      { tokens: ['All ', 'is ', 'done.'] },
    ]
    const { code, out } = await headless('Make the file.')
    expect([code, out.trim()]).toEqual([0, 'All is done.'])
    expect(answered()).toContain('sum: 42')
    expect((await program.must('exec one cat /workspace/made.txt')).out).toBe('edited line\n')
    expect((await program.must('logs one')).out).toContain('All is done.')
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

  it('begins on a terminal with its prompt, and says each token when it comes', async () => {
    const second = Promise.withResolvers<void>()
    // The second token is sent only when the first was seen here.
    gate = (token) => (token.startsWith('second') ? second.promise : Promise.resolve())
    turns = [{ tokens: ['first-token\n\n', 'second-token\n'] }]
    const terminal = program.terminal('run one')
    // It asks the terminal where the cursor is.
    await terminal.says('\u001b[6n')
    terminal.type('\u001b[1;1R')
    await terminal.says(/OpenAI Codex/)
    expect(terminal.shown()).not.toMatch(/trust|sign in|log in/i)
    terminal.type('say it')
    await terminal.says(/say it/)
    terminal.type('\r')
    await terminal.says(/first-token/)
    expect(terminal.shown()).not.toContain('second-token')
    second.resolve()
    await terminal.says(/second-token/)
    gate = () => Promise.resolve()
    terminal.type('/quit')
    await terminal.says(/quit/)
    terminal.type('\r')
    const { out } = await terminal.ended
    expect(out).toMatch(/code 0\s*$/)
  })

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
  it('was on everything that reached the API, and a placeholder on nothing', () => {
    expect(api.asked.length).toBeGreaterThan(6)
    for (const { headers, body } of api.asked) {
      expect(headers.authorization).toBe(`Bearer ${KEY}`)
      expect(JSON.stringify(headers) + body).not.toContain('bot_bottle_placeholder_')
      expect(leaks(body, { KEY })).toEqual([])
    }
  })

  it('is nowhere in the bottle while its agent works, in any form, where the placeholder is', async () => {
    const waiting = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    gate = () => {
      asked.resolve()
      return waiting.promise
    }
    turns = [{ tokens: ['swept'] }]
    const working = headless('Wait.')
    await asked.promise
    const { OPENAI_API_KEY: placeholder } = JSON.parse(
      (await program.must('exec one cat /home/agent/.codex/auth.json')).out,
    ) as { readonly OPENAI_API_KEY: string }
    expect(await sweep(program, 'one', KEY, 'edited line')).toEqual([])
    expect(await sweep(program, 'one', placeholder, 'edited line')).toContain('home and workspace')
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
