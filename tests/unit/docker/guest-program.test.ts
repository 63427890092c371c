import { describe, expect, it } from 'vitest'
import { beginningOf } from '../../../src/drivers/docker/guest-program.ts'
import type { FoundProgram } from '../../../src/drivers/docker/guest-program.ts'
import type { Impact } from '../../../src/model/resource.ts'
import type { AgentProgram } from '../../../src/ports/materials.ts'

const RESUME: AgentProgram = { resume: ['agent', '--continue'], start: ['agent'] }
const TASK: AgentProgram = { ...RESUME, headless: { argv: ['agent', '--print', 'task'], restart: false } }

const begun = (
  program: AgentProgram | undefined,
  found: FoundProgram['state'] | 'due',
  impact: Impact,
  changed: string,
  tty = true,
) => {
  const differences = [{ path: changed, cause: 'edit', impact } as const]
  return beginningOf({ impact, differences, bottle: 'one' }, program, {
    state: found === 'due' ? 'exited' : found,
    isDue: found === 'due',
    tty,
  }).begin
}

describe('behind a change of its bottle an agent program', () => {
  it.each([
    ['that ran on a terminal goes on', RESUME, 'running', 'restart-agent', 'env', 'resume'],
    ['that ran goes on running where nothing restarts it', RESUME, 'running', 'live', 'git', 'nothing'],
    ['that had ended stays so', RESUME, 'exited', 'restart-agent', 'env', 'nothing'],
    ['that was never started stays so', RESUME, 'idle', 'restart-agent', 'env', 'nothing'],
    ['with a task is started', TASK, 'idle', 'live', 'env', 'task'],
    ['with a task begins it again', TASK, 'running', 'restart-agent', 'env', 'task'],
    ['with a task that is done is left alone', TASK, 'exited', 'restart-agent', 'env', 'nothing'],
    ['with another task begins that', TASK, 'exited', 'restart-agent', 'headless.digest', 'task'],
    ['with a task that an action ended, and failed, begins it', TASK, 'due', 'restart-agent', 'env', 'task'],
    ['that an action ended, and failed, goes on', RESUME, 'due', 'next-start', 'mcp', 'resume'],
    ['with a task and another end is left alone', TASK, 'running', 'live', 'onExit', 'nothing'],
  ] as const)('%s', (_what, program, state, impact, changed, expected) => {
    expect(begun(program, state, impact, changed)).toBe(expected)
  })

  it('that nobody can continue has ended, and the words say how to start it', () => {
    const action = { impact: 'restart-agent', differences: [], bottle: 'one' } as const
    for (const [program, tty] of [
      [undefined, true],
      [RESUME, false],
    ] as const)
      expect(beginningOf(action, program, { state: 'running', isDue: false, tty })).toEqual({
        begin: 'nothing',
        words: 'its agent was ended; bot-bottle run one',
      })
  })
})
