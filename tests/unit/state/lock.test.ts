import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHome, stackFolder } from '../../../src/state/home.ts'
import type { Home } from '../../../src/state/home.ts'
import { acquire } from '../../../src/state/lock.ts'

let dir: string
let home: Home
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bb-lock-'))
  home = openHome({ env: {}, stateDir: join(dir, 'home') })
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const take = (over: Partial<Parameters<typeof acquire>[0]> = {}) =>
  acquire({ home, engineId: 'engine', stack: 'acme', command: 'apply', timeoutMs: 0, ...over })

async function otherProcess(...args: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lock-holder.ts'), home.dir, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, line }
}

describe('the lock of a stack', () => {
  it('is held by one; the second is told who, on which host, since when, doing what', async () => {
    const { child } = await otherProcess('acme')
    const error = await take().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ exit: 3, code: 'stack-busy', name: 'BusyError' })
    expect(String(error)).toContain(`apply (pid ${child.pid} on ${hostname()}, since 20`)
    child.kill('SIGKILL')
    await once(child, 'exit')
  })

  it('is free at once when its holder was killed, although holder.json still names it', async () => {
    const { child } = await otherProcess('acme')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(existsSync(join(stackFolder(home, 'engine', 'acme'), 'holder.json'))).toBe(true)
    const lock = await take()
    expect(lock.lease).toMatchObject({ held: true, stack: 'acme', engineId: 'engine' })
    lock.release()
  })

  it('is waited for, and the wait is announced once with the holder', async () => {
    const first = await take()
    const told: unknown[] = []
    const second = take({ timeoutMs: 5_000, onWait: (holder) => told.push(holder) })
    setTimeout(() => first.release(), 120)
    const lock = await second
    expect(told).toEqual([
      { pid: process.pid, command: 'apply', host: hostname(), since: expect.any(String) },
    ])
    lock.release()
  })

  it('is another one for another stack or another engine', async () => {
    const locks = await Promise.all([take(), take({ stack: 'other' }), take({ engineId: 'A:B/c' })])
    for (const lock of locks) lock.release()
  })

  it('ends its lease with it', async () => {
    const lock = await take()
    lock.release()
    expect(lock.lease.held).toBe(false)
    expect(existsSync(join(stackFolder(home, 'engine', 'acme'), 'holder.json'))).toBe(false)
    ;(await take()).release()
  })

  it('lets racing processes through one after the other', async () => {
    const counter = join(dir, 'counter')
    const racers = await Promise.all([1, 2, 3, 4].map(() => otherProcess('acme', '20000', counter)))
    expect(racers.map(({ line }) => line)).toEqual(['held', 'held', 'held', 'held'])
    await Promise.all(racers.map(({ child }) => (child.exitCode === null ? once(child, 'exit') : undefined)))
    expect(readFileSync(counter, 'utf8')).toBe('4')
  })
})
