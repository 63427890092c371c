/** A clear error and nothing lost: signals in every phase, a full disk, a clock that jumps, an engine that goes away. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import type { Server, Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { ONE, openProgram } from './program.ts'
import type { Program, RunOptions } from './program.ts'

const EDITED = ONE.replace('b.example', 'c.example').replace('pids: 128', 'pids: 99')
let program: Program
beforeAll(() => {
  program = openProgram('days')
  program.manifest(ONE)
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
})

/** Signals itself at a point; `on` says which points count. */
const signalled = (signal: NodeJS.Signals, at: number, on?: string): RunOptions => ({
  preload: ['kill-at.ts'],
  env: { KILL_AT: String(at), KILL_WITH: signal, ...(on !== undefined && { KILL_ON: on }) },
})

/** Whatever happened: one more apply, and nothing differs. */
async function converges(): Promise<void> {
  const { code, out, err } = await program.run('apply --yes')
  expect(code, out + err).toBe(0)
  expect((await program.run('diff')).code).toBe(0)
}

async function freshly(): Promise<void> {
  await program.must('destroy --yes')
  expect(program.left()).toEqual([])
}

describe('Ctrl-C', () => {
  it('once in the middle finishes what runs, starts nothing new and exits 130', async () => {
    const { code, out, err } = await program.run('apply', signalled('SIGINT', 1, '^journal: began'))
    expect(code, out + err).toBe(130)
    expect(err).toContain('starting nothing new')
    expect(out).toContain('NOT DONE')
    await converges()
  })
})

describe('SIGTERM', () => {
  const ended = /^journal: ended/
  it.each([
    ['at the very start', 1, '^engine: GET'],
    ['while it looks', 4, '^engine: GET'],
    ['at the first row', 1, '^journal: began'],
    ['in the middle', 5, '^journal: ended'],
    ['inside an effect', 3, '^engine: POST .*/containers/create'],
  ])('%s: ends at once or after what runs, and the next apply converges', async (_when, at, on) => {
    await freshly()
    const { code, signal, out, err } = await program.run('apply', signalled('SIGTERM', at, on))
    expect(signal === 'SIGTERM' || code === 130, `${code} ${signal}\n${out}${err}`).toBe(true)
    expect(err).not.toMatch(/^\s+at .*\.ts:/m)
    await converges()
  })

  it('while it waits for readiness: exits 130; without the signal the limit ends it with 7', async () => {
    await freshly()
    const trace = join(program.folder, 'trace')
    await program.must('apply', {
      preload: ['kill-at.ts'],
      env: { KILL_ON: ended.source, KILL_TRACE: trace },
    })
    const rows = readFileSync(trace, 'utf8').trimEnd().split('\n').length
    for (const code of [130, 7]) {
      await freshly()
      const waiting = program.start(
        `apply --timeout ${code === 7 ? '2s' : '60s'}`,
        signalled('SIGSTOP', rows, ended.source),
      )
      await stopped(waiting.child.pid)
      // Done as far as the journal goes, and never ready.
      docker('pause', liveNames.bundle(program.stack, 'one'))
      waiting.child.kill('SIGCONT')
      if (code === 130) waiting.child.kill('SIGTERM')
      const { code: found, out, err } = await waiting.ended
      expect(found, out + err).toBe(code)
      await converges()
    }
  })

  it('while it waits for the lock: exits 130 and the holder goes on', async () => {
    program.manifest(EDITED)
    const holder = program.start('apply --yes', signalled('SIGSTOP', 1))
    await stopped(holder.child.pid)
    const waiting = program.start('apply --yes --lock-timeout 60s')
    await waiting.says('waiting for')
    waiting.child.kill('SIGTERM')
    expect((await waiting.ended).code).toBe(130)
    holder.child.kill('SIGCONT')
    expect((await holder.ended).code).toBe(0)
    program.manifest(ONE)
    await converges()
  })
})

describe('a clock that jumps', () => {
  it.each([
    ['two days on', 'what was made ahead of it is made anew', 2 * 86_400_000],
    ['two days back', 'in sync', -2 * 86_400_000],
  ])('%s in the middle of an apply: done, ready, %s', async (way, _after, jump) => {
    await freshly()
    const { code, out, err } = await program.run('apply', {
      preload: ['clock-jump.ts'],
      env: { CLOCK_JUMP: String(jump) },
    })
    expect(code, out + err).toBe(0)
    expect(out + err).not.toMatch(/-\d+(\.\d+)? s\b|\d{5,}(\.\d+)? (s|min|h|d)\b/)
    if (way === 'two days on') {
      // The clock is right again: what was made ahead of it is seen, and only that.
      const { code: differs, out: said } = await program.run('diff')
      expect(differs, said).toBe(1)
      expect(said).toContain('made while the clock was ahead')
      await converges()
    } else expect((await program.run('diff')).code).toBe(0)
  })
})

describe.skipIf(process.getuid?.() !== 0)('a disk that is full', () => {
  const mounted = () => join(program.folder, 'small')
  afterAll(() => void spawnSync('umount', ['-l', mounted()]))

  it('at the journal: names it, starts nothing that it cannot record, loses nothing', async () => {
    await freshly()
    mkdirSync(mounted(), { mode: 0o700 })
    const mount = ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', mounted()]
    expect(spawnSync('mount', mount).status).toBe(0)
    const small = { env: { BOT_BOTTLE_HOME: mounted() } }
    await program.must('apply', small)
    program.manifest(EDITED)
    fill(join(mounted(), 'filler'))
    const full = await program.run('apply --yes', small)
    expect(full.code, full.out + full.err).toBe(4)
    expect(full.out + full.err).toMatch(/full|ENOSPC|no space/i)
    expect((await program.run('exec one -- true', small)).code).toBe(0)
    rmSync(join(mounted(), 'filler'))
    await program.must('apply --yes', small)
    expect((await program.run('diff', small)).code).toBe(0)
    await program.must('destroy --yes', small)
    expect(program.left()).toEqual([])
    program.manifest(ONE)
  })
})

describe('an engine that goes away', () => {
  it.each([
    ['while it looks', 3, '^engine: GET', [4, 8]],
    ['at the first row', 1, '^journal: began', [4]],
    ['in the middle', 12, '^journal:|^engine: (POST|DELETE)', [4]],
    ['late', 40, '^journal:|^engine: (POST|DELETE)', [4]],
  ])('%s: says so, loses nothing, and the next apply converges', async (_when, at, on, codes) => {
    program.manifest(ONE)
    await freshly()
    const relay = await openRelay(join(program.folder, 'relay.sock'))
    const { preload, env } = signalled('SIGSTOP', at, on)
    const run = program.start('apply', {
      preload: preload ?? [],
      env: { ...env, DOCKER_HOST: `unix://${relay.path}` },
    })
    await stopped(run.child.pid)
    relay.cut()
    run.child.kill('SIGCONT')
    const cut = await run.ended
    const said = cut.out + cut.err
    // A look whose last answers were under way already may end well: then the first action meets the gap.
    expect(codes, said).toContain(cut.code)
    expect(said).toMatch(/engine|relay\.sock/)
    expect(said).not.toContain('mistake of bot-bottle itself')
    await converges()
  })
})

/** The engine's socket under another path, until it is cut. */
async function openRelay(path: string): Promise<{ readonly path: string; cut(): void }> {
  rmSync(path, { force: true })
  const engine = (process.env['DOCKER_HOST'] ?? '/var/run/docker.sock').replace(/^unix:\/\//, '')
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ path: engine, allowHalfOpen: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    path,
    cut() {
      server.close()
      rmSync(path, { force: true })
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** To the last byte. */
function fill(path: string): void {
  for (let size = 1024 * 1024; size >= 1;) {
    const { status } = spawnSync('dd', [
      'if=/dev/zero',
      `of=${path}`,
      `bs=${size}`,
      'count=1',
      'oflag=append',
      'conv=notrunc',
    ])
    if (status !== 0) size = Math.floor(size / 2)
  }
}

/** The process has stopped itself. */
async function stopped(pid: number | undefined): Promise<void> {
  const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0]
  await expect.poll(state, { timeout: 60_000, interval: 20 }).toBe('T')
}
