import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { Scanners, SCAN_LIMITS } from '../../../sidecars/gate/scanners.ts'
import { KNOWN, refusedPush, SECRET } from './cases/case.ts'
import { inLab } from './lab.ts'
import type { Lab } from './lab.ts'
import { noSshd } from './sshd.ts'

if (noSshd !== undefined) process.stdout.write(`scans beside the gate: skipped, ${noSshd}\n`)

/** Never begun. */
const JOB = {} as Parameters<Scanners['look']>[0]

const OURS = new URL('scanner.ts', import.meta.url)

/** A program for the thread that does this for each job before it is looked at as ever. */
function program(lab: Pick<Lab, 'folder'>, before: string): void {
  writeFileSync(
    join(lab.folder, 'scanner.mjs'),
    `import { existsSync, writeFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
parentPort.on('message', (asked) => { if (asked.job) { ${before} } })
await import(${JSON.stringify(OURS.href)})
`,
  )
}

/** Without a break, as a thread is that looks at a large file. */
const held = (file: string): string =>
  `writeFileSync('${file}.waits', ''); while (!existsSync('${file}')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)`

const lateProgram = { scanner: (folder: string) => pathToFileURL(join(folder, 'scanner.mjs')) }

describe.skipIf(noSshd !== undefined)('while a push is looked at', () => {
  test('fetches go on, and so does a push to another remote', () =>
    inLab({ ...lateProgram }, async (lab) => {
      const go = join(lab.folder, 'go')
      program(lab, `if (asked.job.names[0] === 'refs/heads/agent/slow') { ${held(go)} }`)
      await lab.run(['clone', '-q', '--bare', 'up.git', 'other.git'], { folder: '.' })
      const other = { ...lab.remote, name: 'other', url: { ...lab.remote.url, path: lab.upstream('other') } }
      const { identities } = lab.config
      const both = {
        remotes: [lab.remote, other],
        identities: { ...identities, other: identities['origin'] ?? '' },
      }
      await lab.reconfigure({}, both)
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' }, 'work', 'agent/slow')
      const slow = lab.push()
      await expect.poll(() => readdirSync(lab.folder), { timeout: 20_000 }).toContain('go.waits')
      expect((await lab.git('fetch')).code).toBe(0)
      expect((await lab.git('push', lab.url('other'), 'HEAD:refs/heads/agent/x')).code).toBe(0)
      expect(await lab.up('for-each-ref', 'refs/heads/agent')).toBe('')
      writeFileSync(go, '')
      expect((await slow).code).toBe(0)
    }))

  test('what the manifest takes away is not passed on by it any more', () =>
    inLab({ ...lateProgram, push: { allow: ['refs/heads/agent/*', 'refs/heads/docs'] } }, async (lab) => {
      const go = join(lab.folder, 'go')
      program(lab, held(go))
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' }, 'work', 'docs')
      const slow = lab.push()
      await expect.poll(() => readdirSync(lab.folder), { timeout: 20_000 }).toContain('go.waits')
      await lab.reconfigure({ push: { ...lab.remote.push, allow: ['refs/heads/agent/*'] } })
      writeFileSync(go, '')
      expect((await slow).err).toContain('[ref-undeclared] refs/heads/docs')
      expect(await lab.up('for-each-ref', 'refs/heads/docs')).toBe('')
    }))

  test('other limits than those it was judged by are asked for again', () =>
    inLab({ ...lateProgram }, async (lab) => {
      const go = join(lab.folder, 'go')
      program(lab, held(go))
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' })
      const slow = lab.push()
      await expect.poll(() => readdirSync(lab.folder), { timeout: 20_000 }).toContain('go.waits')
      await lab.reconfigure({ maxFile: 1 })
      writeFileSync(go, '')
      expect((await slow).err).toContain('[stale] What this remote allows was changed meanwhile. Push again.')
      await lab.reconfigure({})
      expect((await lab.push()).code).toBe(0)
    }))

  test('a client that goes takes the scan with it', () =>
    inLab({ ...lateProgram, limits: { aliveMs: 200, scan: { ...SCAN_LIMITS, graceMs: 0 } } }, async (lab) => {
      const go = join(lab.folder, 'go')
      program(lab, held(go))
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' })
      const client = spawn('git', ['push', 'origin', 'HEAD'], {
        cwd: join(lab.folder, 'agent'),
        env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null' },
        stdio: 'ignore',
        detached: true,
      })
      await expect.poll(() => readdirSync(lab.folder), { timeout: 20_000 }).toContain('go.waits')
      process.kill(-(client.pid ?? 0), 'SIGKILL')
      const left = (): readonly string[] =>
        readdirSync(join(lab.folder, 'w'), { recursive: true }).map(String).filter((name) => /push-/.test(name)) // prettier-ignore
      await expect.poll(left, { timeout: 20_000 }).toEqual([])
      writeFileSync(go, '')
      expect((await lab.push()).code).toBe(0)
    }))
})

describe('more pushes than may be looked at at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bb-turns-'))
  const log = join(folder, 'log')
  const program = join(folder, 'scanner.mjs')
  writeFileSync(
    program,
    `import { appendFileSync, existsSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
parentPort.on('message', async (asked) => {
  if (asked === 'end') return
  appendFileSync('${log}', 'begin\\n')
  while (!existsSync('${log}.go')) await new Promise(setImmediate)
  appendFileSync('${log}', 'end\\n')
  parentPort.postMessage({ masked: asked.names })
})
`,
  )
  afterAll(() => rmSync(folder, { recursive: true }))

  test('wait for their turn, and one whose client has gone does not', async () => {
    const scanners = new Scanners(pathToFileURL(program), { ...SCAN_LIMITS, atOnce: 1 })
    const asked = ['a', 'b', 'c'].map((name) => scanners.masked([name], undefined))
    const client = new AbortController()
    const gone = scanners.look(JOB, client.signal)
    await expect.poll(() => existsSync(log)).toBe(true)
    client.abort()
    await expect(gone).rejects.toThrow('the client has gone')
    writeFileSync(`${log}.go`, '')
    expect(await Promise.all(asked)).toEqual([['a'], ['b'], ['c']])
    expect(readFileSync(log, 'utf8')).toBe('begin\nend\n'.repeat(3))
    await expect(scanners.look(JOB, client.signal)).rejects.toThrow('the client has gone')
    scanners.close()
  })
})

describe.skipIf(noSshd !== undefined)(
  '(GIT-15) a scan that does not come to its end refuses the push',
  () => {
    const refused = (before: string, why: RegExp, scan: Partial<typeof SCAN_LIMITS> = {}): Promise<void> =>
      inLab({ ...lateProgram, limits: { scan: { ...SCAN_LIMITS, ...scan } } }, async (lab) => {
        program(lab, `if (!existsSync('${lab.folder}/mended')) { ${before} }`)
        await lab.clone()
        await lab.commit({ 'a.txt': 'one' })
        const { err } = await refusedPush(lab, why, () => lab.push())
        expect(err).toContain('[not-looked-at]')
        expect(lab.lines.at(-1)).toMatchObject({ decision: 'deny', rule: 'not-looked-at' })
        writeFileSync(join(lab.folder, 'mended'), '')
        expect((await lab.push()).code).toBe(0)
      })

    test('that takes too long, with the time it had', () =>
      refused(held('/nonexistent'), /the scan took longer than 4 s, so that nobody can say what it holds/, {
        ms: 4000,
        graceMs: 0,
      }))

    test('that fails', () => refused(`throw new Error('bad day')`, /the scanner failed: bad day/))

    test('that ends', () => refused('process.exit(0)', /the scanner ended/))

    test('that takes too much memory', () =>
      refused(
        'const all = []; for (;;) all.push(Array.from({ length: 1000 }, (_, at) => ({ at })))',
        /the scanner failed: .*memory/,
        { heap: 64 },
      ))

    test('that says something else', () =>
      refused(`parentPort.postMessage({ masked: [] })`, /the scanner gave no answer to this push/))

    test('that is not there at all', () =>
      inLab({ scanner: () => new URL('file:///nonexistent/scanner.js') }, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': 'one' })
        await refusedPush(lab, /\[not-looked-at\] the scanner failed/, () => lab.push())
        expect((await lab.git('fetch')).code).toBe(0)
      }))
  },
)

test.skipIf(noSshd !== undefined)(
  'files that were clean a moment ago are looked at again once other secrets are known',
  () =>
    inLab({ push: { allow: ['refs/heads/**'] } }, async (lab) => {
      await lab.clone()
      await lab.commit({ 'a.txt': SECRET })
      // The upstream does not take it, so that it is new once more.
      writeFileSync(join(lab.upstream(), 'hooks/pre-receive'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
      await refusedPush(lab, 'upstream-refused', () => lab.push())
      await refusedPush(lab, 'upstream-refused', () => lab.push())
      await lab.reconfigure({}, { known: KNOWN })
      await refusedPush(lab, 'secret/env:KEY', () => lab.push())
    }),
)
