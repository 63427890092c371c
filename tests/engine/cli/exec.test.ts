/** Programs in a bottle behave as with docker: streams, exit codes, terminal, signals. */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { ONE, openProgram } from './program.ts'
import type { Program } from './program.ts'

let program: Program
beforeAll(async () => {
  program = openProgram('exec')
  program.manifest(ONE)
  await program.must('apply')
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
})

const BOT_BOTTLE = join(import.meta.dirname, '..', '..', '..', 'bin', 'bot-bottle')
const environment = () => ({
  PATH: process.env['PATH'] ?? '',
  HOME: program.folder,
  BOT_BOTTLE_HOME: program.home,
})

describe('exec', () => {
  it('ends with the program while standard input is open and idle', async () => {
    const started = performance.now()
    expect((await program.run('exec one -- true', { input: 'open' })).code).toBe(0)
    expect((await program.run('exec one -- false', { input: 'open' })).code).toBe(1)
    const echo = await program.run(['exec', 'one', '--', 'echo', '$HOME; two  three'], { input: 'open' })
    expect(echo.out).toBe('$HOME; two  three\n')
    expect(performance.now() - started).toBeLessThan(30_000)
  })

  it('ends with the program while a pipe from another program is open and idle', () => {
    const { stdout, status } = spawnSync(
      '/bin/sh',
      [
        '-c',
        `tail -f /dev/null | { ${BOT_BOTTLE} exec one -- echo done; echo "code $?"; kill $(pgrep -P $$ tail); }`,
      ],
      { cwd: program.folder, env: environment(), encoding: 'utf8', timeout: 60_000 },
    )
    expect(stdout).toBe('done\ncode 0\n')
    expect(status).not.toBeNull()
  })

  it.each([
    ['the program’s own code', ['sh', '-c', 'exit 42'], 42],
    ['137 for one that was killed', ['sh', '-c', 'kill -9 $$'], 137],
    ['126 for what cannot be executed', ['/etc/passwd'], 126],
    ['127 for what is not there', ['no-such-program'], 127],
    ['the program’s own 126, whatever it says', ['sh', '-c', 'echo not found; exit 126'], 126],
  ])('exits with %s', async (_what, argv, code) => {
    expect((await program.run(['exec', 'one', '--', ...argv])).code).toBe(code)
  })

  it('keeps output and complaints apart', async () => {
    const { out, err } = await program.run(['exec', 'one', '--', 'sh', '-c', 'echo out; echo err >&2'])
    expect([out, err]).toEqual(['out\n', 'err\n'])
  })

  it('carries 32 MiB of any bytes there and back', async () => {
    const bytes = randomBytes(32 * 1024 * 1024)
    const { code, stdout, err } = await program.run('exec one -- cat', { input: bytes })
    expect([code, err]).toEqual([0, ''])
    expect(stdout.equals(bytes)).toBe(true)
  })

  it('ends when whoever reads it goes away, also while standard input stays open', async () => {
    const child = spawn(BOT_BOTTLE, ['exec', 'one', '--', 'yes'], {
      cwd: program.folder,
      env: environment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const limit = setTimeout(() => child.kill('SIGKILL'), 30_000)
    const [code] = (await once(child, 'exit')) as [number | null]
    clearTimeout(limit)
    expect(code).toBe(141)
    await program.must('exec one -- pkill yes')
  })

  it('gives the program a terminal of the right size, and its keys', () => {
    const script = (command: string, input: string) =>
      spawnSync(
        'script',
        ['-qec', `stty rows 41 cols 99; ${BOT_BOTTLE} exec one -- ${command}; echo "code $?"`, '/dev/null'],
        {
          cwd: program.folder,
          env: { ...environment(), TERM: 'xterm' },
          input,
          encoding: 'utf8',
          timeout: 60_000,
        },
      ).stdout
    // An engine of 20.10 takes the size only after the start, as with docker.
    const sized = 'until [ \\"\\$(stty size)\\" != \\"0 0\\" ]; do :; done; tty; stty size; exit 3'
    // script(1) types its end-of-file character when its own input ends, and the terminal echoes it wherever that is.
    expect(script(`sh -c "${sized}"`, '').replace(/\^[@D]/, '')).toMatch(/\/dev\/pts\/0\r+\n41 99\r+\ncode 3/)
  })

  it('ends with 130 on Ctrl-C without a terminal', async () => {
    const running = program.start(['exec', 'one', '--', 'sh', '-c', 'echo begun; sleep 600'], {
      input: 'open',
    })
    await running.says('begun')
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(130)
    await program.must('exec one -- pkill sleep')
  })

  it('says which bottle there is, and 125 for one that is stopped', async () => {
    const unknown = await program.run('exec two -- true')
    expect(unknown.code).toBe(2)
    expect(unknown.err).toContain('bottles: one')
    await program.must('stop one')
    const stopped = await program.run('exec one -- true')
    expect(stopped.code).toBe(125)
    expect(stopped.err).toContain('bot-bottle start one')
    expect((await program.must('apply')).out).toContain('nothing to do')
    expect((await program.run('exec one -- true')).code).toBe(125)
    await program.must('start one')
    await program.must('exec one -- true')
    expect((await program.run('diff')).code).toBe(0)
  })
})

describe('cp', () => {
  it('carries a file and a folder there and back', async () => {
    const bytes = randomBytes(3_000_000)
    writeFileSync(join(program.folder, 'bytes'), bytes)
    mkdirSync(join(program.folder, 'tree', 'inner'), { recursive: true })
    writeFileSync(join(program.folder, 'tree', 'inner', 'a'), 'a')
    await program.must('cp bytes one:/workspace/')
    await program.must('cp tree one:/workspace/')
    await program.must('cp one:/workspace/bytes back')
    await program.must('cp one:/workspace/tree again')
    expect(readFileSync(join(program.folder, 'back')).equals(bytes)).toBe(true)
    expect(readFileSync(join(program.folder, 'again', 'inner', 'a'), 'utf8')).toBe('a')
    const { out } = await program.must(['exec', 'one', '--', 'stat', '-c', '%U %u', '/workspace/bytes'])
    expect(out).toContain('1000')
  })

  it('copies nothing of a folder that holds a link out of it, and names the link', async () => {
    mkdirSync(join(program.folder, 'linked'))
    writeFileSync(join(program.folder, 'linked', 'first'), '1')
    symlinkSync('/etc/passwd', join(program.folder, 'linked', 'second'))
    const { code, err } = await program.run('cp linked one:/workspace/')
    expect(code).toBe(4)
    expect(err).toContain('linked/second is a link out of what is copied, to /etc/passwd')
    expect((await program.run('exec one -- ls /workspace/linked')).code).toBe(2)
  })

  it('leaves out of a folder from the bottle the links that lead out of it, and says so', async () => {
    await program.must([
      'exec',
      'one',
      '--',
      'sh',
      '-c',
      'mkdir odd; echo 1 > odd/a; ln -s /etc/passwd odd/b',
    ])
    expect((await program.must('cp one:/workspace/odd odd')).err).toContain('left out: b, a link')
    expect(readdirSync(join(program.folder, 'odd'))).toEqual(['a'])
  })

  it('does not touch a folder here that stands in the place of a file, and says so', async () => {
    mkdirSync(join(program.folder, 'odd', 'a2'), { recursive: true })
    await program.must([
      'exec',
      'one',
      '--',
      'sh',
      '-c',
      'mkdir -p o/odd; echo 1 > o/odd/a1; echo 2 > o/odd/a2',
    ])
    const { code, err } = await program.run('cp one:/workspace/o/odd .')
    expect(code).toBe(4)
    expect(err).toContain('a2 is a folder')
    expect(readdirSync(join(program.folder, 'odd'))).not.toContain('a1')
  })

  it('names what is not there', async () => {
    const { code, err } = await program.run('cp one:/workspace/nothing here')
    expect(code).toBe(4)
    expect(err).toContain('is not there')
  })
})

describe('run, attach and logs', () => {
  it('says what to do when no agent runs', async () => {
    const { code, err } = await program.run('attach one')
    expect(code).toBe(125)
    expect(err).toContain('bot-bottle run one')
  })

  it('starts the agent, whose output the log keeps and whose code is passed on', async () => {
    const ran = await program.run(['run', 'one', '--', '-c', 'echo agent-was-here; exit 9'])
    expect(ran.out).toContain('agent-was-here')
    expect(ran.code).toBe(9)
    expect((await program.must('logs one --since 1h')).out).toContain('agent-was-here')
    expect((await program.must('logs one --since 2099-01-01T00:00:00Z')).out).toBe('')
  })
})

describe('status', () => {
  it('tells the memory of agent and bundle as `docker stats` does', async () => {
    const { bottles } = JSON.parse((await program.must('status --output json')).out)
    const [{ memory }] = bottles
    expect(memory.agent.limitBytes).toBe(256 * 2 ** 20)
    for (const part of ['agent', 'bundle'] as const) {
      const told = docker(
        'stats',
        '--no-stream',
        '--format',
        '{{.MemUsage}}',
        liveNames[part](program.stack, 'one'),
      )
      const [, used = '', unit = ''] = /^([\d.]+)([KM])iB \/ /.exec(told) ?? []
      const bytes = Number(used) * (unit === 'M' ? 2 ** 20 : 2 ** 10)
      // Two looks at something that lives.
      expect(memory[part].usedBytes).toBeGreaterThan(bytes / 2)
      expect(memory[part].usedBytes).toBeLessThan(bytes * 2)
    }
    expect((await program.must('status')).out).toMatch(/AGENT MEMORY +BUNDLE MEMORY/)
  })
})
