/** Conversations that go on: of the programs from npm, in bottles that were halted, frozen and made anew meanwhile. */
import { afterEach, describe, expect, it } from 'vitest'
import { anthropic } from '../../../scripts/labs/model-api/anthropic.ts'
import { openApi, type Api } from '../../../scripts/labs/model-api/api.ts'
import { openai } from '../../../scripts/labs/model-api/openai.ts'
import { openProgram, type Program } from '../cli/program.ts'
import { noTmux } from '../cli/screen.ts'
import { docker } from '../docker/stack.ts'
import { applied, removed } from './applied.ts'

const SAID = 'The word is heron.'
const ASKED = 'Which word was it?'
/** The programs start several times, and an image of their size is made, milliseconds. */
const PATIENCE = { timeout: 400_000 }

if (noTmux !== undefined) process.stdout.write(`resuming codex: skipped, ${noTmux}\n`)

let api: Api | undefined
let program: Program | undefined
afterEach(() => removed(program, api))

const bottle = (provider: string, host: string): string => `bottles:
  one:
    resources: { memory: 2GiB, pids: 512 }
    agent_provider: ${provider}
    egress: { routes: [{ host: ${host}, allow_private: true }] }
`

/** Whether the second question came with what was said before it; programs ask other things of it, too. */
const goesOn = ({ asked }: Api): boolean =>
  asked.some(({ body }) => body.includes(ASKED) && body.includes(SAID))

describe('a conversation', () => {
  it(
    'of Claude Code goes on in a bottle that was stopped, and in one made anew from its frozen image',
    PATIENCE,
    async () => {
      api = await openApi((asked) => anthropic([{ tokens: ['I keep it.'] }], () => Promise.resolve())(asked))
      const claude = openProgram('resume', { CLAUDE_TOKEN: `sk-ant-oat01-${'a'.repeat(40)}` })
      program = claude
      await applied(
        claude,
        api,
        ['api.anthropic.com'],
        bottle('{ template: claude, auth_token: CLAUDE_TOKEN }', 'api.anthropic.com'),
      )
      await claude.must(['run', '--headless', '--prompt', SAID, 'one'])
      await claude.must('stop one')
      const resumed = await claude.run(['resume', 'one', '--', '-p', ASKED])
      expect([resumed.code, resumed.out]).toEqual([0, expect.stringContaining('I keep it.')])
      expect(goesOn(api)).toBe(true)
      expect((await claude.must('diff')).out).toContain('in sync')

      await claude.must(['exec', 'one', 'sh', '-c', 'echo kept > /var/tmp/kept'])
      await claude.must('freeze one --tag kept')
      docker('rm', '-f', `bb_${claude.stack}_one_agent`)
      api.asked.splice(0)
      const again = await claude.run(['resume', 'one', '--', '-p', ASKED])
      expect([again.code, again.out]).toEqual([0, expect.stringContaining('I keep it.')])
      expect(goesOn(api)).toBe(true)
      expect((await claude.must('exec one cat /var/tmp/kept')).out).toBe('kept\n')
      await claude.must('destroy --yes')
      docker('rmi', '-f', `bot-bottle/frozen/${claude.stack}/one:kept`)
    },
  )

  it.skipIf(noTmux !== undefined)('of Codex goes on on a terminal', PATIENCE, async () => {
    api = await openApi((asked) => openai([{ tokens: ['I keep it.\n'] }], () => Promise.resolve())(asked))
    const codex = openProgram('resume', { OPENAI_KEY: `sk-proj-${'b'.repeat(40)}` })
    program = codex
    await applied(
      codex,
      api,
      ['api.openai.com'],
      bottle('{ template: codex, api_key_ref: OPENAI_KEY }', 'api.openai.com'),
    )
    /** Until the answer is there; the program is left running. */
    const says = async (command: string, begun: RegExp, words: string, answers: number): Promise<void> => {
      const screen = codex.screen(command)
      try {
        const shown = () => expect.poll(() => screen.text(), { timeout: 60_000 })
        await shown().toMatch(begun)
        screen.press(words)
        await shown().toContain(words)
        screen.press('Enter')
        await shown().toMatch(new RegExp(`(?:I keep it[^]*){${answers}}`))
      } finally {
        screen.close()
      }
    }
    await says('run one', /OpenAI Codex[^]*\/workspace/, SAID, 1)
    await codex.must('stop one')
    // It takes no keys before it has drawn what was said.
    await says('resume one', /The word is heron[^]*I keep it[^]*\n *›/, ASKED, 2)
    expect(goesOn(api)).toBe(true)
  })
})
