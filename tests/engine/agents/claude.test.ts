/** Claude Code from npm in a bottle: it works, and what signs it in never comes in. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openProgram } from '../cli/program.ts'
import type { Ended, Program } from '../cli/program.ts'
import { leaks } from '../containment/secrets.ts'
import { anthropic, type Turn } from '../../../scripts/labs/model-api/anthropic.ts'
import { openApi, type Api } from '../../../scripts/labs/model-api/api.ts'
import { applied, removed } from './applied.ts'
import { sweep } from './sweep.ts'

const TOKEN = `sk-ant-oat01-${randomBytes(30).toString('hex')}`
const env = { CLAUDE_TOKEN: TOKEN }

let api: Api
let program: Program
/** What the model says to the agent that is started next. */
let turns: readonly Turn[] = []
let gate: (token: string) => Promise<void> = () => Promise.resolve()

beforeAll(async () => {
  api = await openApi((asked) => anthropic(turns, (token) => gate(token))(asked))
  program = openProgram('claude', env)
  await applied(
    program,
    api,
    'api.anthropic.com',
    `bottles:
  one:
    resources: { memory: 2GiB, pids: 512 }
    agent_provider: { template: claude, auth_token: CLAUDE_TOKEN }
    egress:
      log: all
      routes: [{ host: api.anthropic.com, allow_private: true }]
`,
  )
}, 600_000)
afterAll(() => removed(program, api))

const bash = (command: string): Turn => ({ tool: { name: 'Bash', input: { command, description: 'work' } } })
const headless = (prompt: string, ...extra: readonly string[]): Promise<Ended> =>
  program.run(['run', '--headless', '--prompt', prompt, 'one', ...(extra.length > 0 ? ['--', ...extra] : [])])
/** What tools answered, in the last request of the conversation. */
const answered = (): string => {
  const last = api.asked.findLast(({ body }) => body.includes('"tool_result"'))
  return last?.body ?? ''
}

describe('the agent', () => {
  it('runs a command, edits a file and ends with its own exit code', async () => {
    turns = [
      bash('echo "sum: $((40 + 2))"'),
      { tool: { name: 'Write', input: { file_path: '/workspace/made.txt', content: 'first line\n' } } },
      {
        tool: {
          name: 'Edit',
          input: { file_path: '/workspace/made.txt', old_string: 'first', new_string: 'edited' },
        },
      },
      { tokens: ['All ', 'is ', 'done.'] },
    ]
    const { code, out } = await headless('Make the file.')
    expect([code, out.trim()]).toEqual([0, 'All is done.'])
    expect(answered()).toContain('sum: 42')
    expect((await program.must('exec one cat /workspace/made.txt')).out).toBe('edited line\n')
    expect((await program.must('logs one')).out).toContain('All is done.')
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
    const started = program.start([
      'run',
      '--headless',
      '--prompt',
      'Speak.',
      'one',
      '--',
      '--output-format',
      'stream-json',
      '--verbose',
      '--include-partial-messages',
    ])
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

  it('goes on when it has read its own environment', async () => {
    turns = [bash("tr '\\0' '\\n' < /proc/$PPID/environ | grep OAUTH"), { tokens: ['I have seen it.'] }]
    const { code, out } = await headless('Look around.')
    expect([code, out.trim()]).toEqual([0, 'I have seen it.'])
    expect(answered()).toContain('CLAUDE_CODE_OAUTH_TOKEN=')
    expect(answered()).not.toContain('bot_bottle_placeholder_')
  })

  it('begins on a terminal with its prompt, and does what is typed', async () => {
    turns = [{ tokens: ['Good ', 'morning.'] }]
    const terminal = program.terminal('run one')
    await terminal.says(/bypass\S* ?permissions/)
    expect(terminal.shown()).not.toMatch(/trust|theme|sign in|log in|API key/i)
    terminal.type('say it\r')
    await terminal.says(/morning/)
    terminal.type('/exit\r')
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
    expect(api.asked.length).toBeGreaterThan(8)
    for (const { headers, body } of api.asked) {
      expect(headers.authorization).toBe(`Bearer ${TOKEN}`)
      expect(JSON.stringify(headers) + body).not.toContain('bot_bottle_placeholder_')
      expect(leaks(body, { TOKEN })).toEqual([])
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
    const placeholder = (await program.must('exec one printenv CLAUDE_CODE_OAUTH_TOKEN')).out.trim()
    expect(await sweep(program, 'one', TOKEN, 'edited line')).toEqual([])
    expect(await sweep(program, 'one', placeholder, 'edited line')).toEqual(
      expect.arrayContaining(['environment and arguments of its processes', 'files of its container']),
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
