/** An agent on a real terminal behaves as with `docker attach`: keys, detaching, watching. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ONE, openProgram } from './program.ts'
import type { Program, Terminal } from './program.ts'

let program: Program
beforeAll(async () => {
  program = openProgram('attach')
  program.manifest(ONE)
  const agent = program.terminal('run one')
  await says(agent, 'BEGUN')
  agent.type('\x10\x11')
  await agent.says('code 0')
  await agent.ended
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
})

/** The shell computes the sum, so the answer is not the echo of what was typed. */
async function says(terminal: Terminal, word: string): Promise<void> {
  terminal.type(`echo ${word}-$((40+2))\n`)
  await terminal.says(`${word}-42`)
}

describe('attach', () => {
  it('finds the agent where it was left, with what it printed', async () => {
    const terminal = program.terminal('attach one')
    await terminal.says('BEGUN-42')
    await says(terminal, 'AGAIN')
    terminal.type('\x10\x11')
    await terminal.says('code 0')
    expect(terminal.shown()).toContain('detached')
    await terminal.ended
  })

  it('is left with the keys that were asked for, and then the usual ones are the agent’s', async () => {
    const terminal = program.terminal('attach one --detach-keys ctrl-x,d')
    await says(terminal, 'HERE')
    terminal.type('\x10\x11\n')
    await says(terminal, 'STILL-HERE')
    terminal.type('\x18d')
    await terminal.says('code 0')
    await terminal.ended
    expect((await program.must('status')).out).toContain('working')
  })

  it('only watches with --no-stdin: no key reaches the agent, Ctrl-C ends the watching', async () => {
    const watching = program.terminal('attach one --no-stdin')
    await watching.says('BEGUN-42')
    watching.type('echo LOST-$((40+2))\n')
    const typing = program.terminal('attach one')
    await says(typing, 'SEEN')
    await watching.says('SEEN-42')
    watching.type('\x03')
    await watching.says('code 130')
    await watching.ended
    await says(typing, 'AFTER')
    expect(typing.shown()).not.toContain('LOST-42')
    typing.type('\x10\x11')
    await typing.says('code 0')
    await typing.ended
  })

  it('only watches without a terminal, too, and ends with the agent’s code', async () => {
    const watching = program.start('attach one --no-stdin', { input: 'open' })
    await watching.says('BEGUN-42')
    const typing = program.terminal('attach one')
    await says(typing, 'LAST')
    typing.type('exit 9\n')
    await typing.says('code 9')
    expect((await watching.ended).code).toBe(9)
    await typing.ended
  })
})
