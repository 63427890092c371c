/** Each exit code by a real cause, and what was said with it. Nothing is lost by any of them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { ONE, openProgram } from './program.ts'
import type { Program } from './program.ts'

let program: Program
beforeAll(() => {
  program = openProgram('codes')
  program.manifest(ONE)
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
})

const agent = () => liveNames.agent(program.stack, 'one')

describe('exit code', () => {
  it('2: a broken manifest, with every mistake, and nothing is done', async () => {
    program.manifest('bottles:\n  one:\n    imagee: x\n    egress: { routes: [{ hos: a }] }\n')
    const { code, err } = await program.run('apply')
    expect(code).toBe(2)
    expect(err).toMatch(/bottles\.yaml:5:/)
    expect(err).toMatch(/bottles\.yaml:6:/)
    expect(program.left()).toEqual([])
    program.manifest(ONE)
  })

  it('2: a secret that is not set, before anything is done', async () => {
    program.manifest(
      ONE.replace('- host: b.example', '- { host: b.example, auth: { scheme: bearer, token_ref: NOT_SET } }'),
    )
    const { code, err } = await program.run('apply')
    expect(code, err).toBe(2)
    expect(err).toContain('NOT_SET')
    expect(program.left()).toEqual([])
    program.manifest(ONE)
  })

  it('8: an engine that cannot be reached', async () => {
    const gone = { env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' } }
    for (const command of ['apply', 'diff', 'destroy --yes', 'status']) {
      const { code, err } = await program.run(command, gone)
      expect(code, `${command}: ${err}`).toBe(8)
      expect(err).toContain('/nonexistent/docker.sock')
    }
  })

  it('4: an image that nobody has, and the rest goes on', async () => {
    program.manifest(
      `${ONE}  two:\n    image: bot-bottle-test/nowhere:1\n    resources: { memory: 256MiB }\n`,
    )
    const { code, out, err } = await program.run('apply')
    expect(code, out + err).toBe(4)
    expect(out).toContain('FAILED')
    expect(out).toContain('bot-bottle-test/nowhere:1')
    expect((await program.run('exec one -- true')).code).toBe(0)
    program.manifest(ONE)
    await program.must('apply --yes')
  })

  it('0 and 1: in sync, and different', async () => {
    expect((await program.run('diff')).code).toBe(0)
    program.manifest(ONE.replace('b.example', 'c.example'))
    expect((await program.run('diff')).code).toBe(1)
    expect((await program.run('diff --drift')).code).toBe(0)
    program.manifest(ONE)
  })

  it('3: two applies at once; the first goes on and ends well', async () => {
    program.manifest(ONE.replace('b.example', 'c.example'))
    const first = program.start('apply', {
      preload: ['kill-at.ts'],
      env: { KILL_AT: '1', KILL_WITH: 'SIGSTOP' },
    })
    await stopped(first.child.pid)
    const second = await program.run('apply')
    expect(second.code).toBe(3)
    expect(second.err).toContain(`pid ${first.child.pid}`)
    expect((await program.run('diff')).code).toBe(1)
    const third = program.start('apply --lock-timeout 60s')
    await third.says('waiting for')
    first.child.kill('SIGCONT')
    expect((await first.ended).code).toBe(0)
    expect((await third.ended).code).toBe(0)
    expect((await program.run('diff')).code).toBe(0)
  })

  it('5: something alive would be disturbed, and there is nobody to ask', async () => {
    program.manifest(ONE.replace('c.example', 'b.example').replace('pids: 128', 'pids: 99'))
    const before = docker('inspect', '-f', '{{.Id}}', agent())
    const { code, err } = await program.run('apply')
    expect(code).toBe(5)
    expect(err).toContain('--yes')
    expect(docker('inspect', '-f', '{{.Id}}', agent())).toBe(before)
    await program.must('apply --yes')
    expect((await program.run('destroy')).code).toBe(5)
  })

  it('5: a manifest that was emptied', async () => {
    program.manifest('bottles: {}\n')
    const { code, err } = await program.run('apply --yes')
    expect(code).toBe(5)
    expect(err).toContain('--allow-empty')
    program.manifest(ONE)
    await program.must('apply --yes')
  })
})

describe('a saved plan', () => {
  const edited = ONE.replace('b.example', 'd.example')
  const saved = () => join(program.folder, 'plan.json')

  it('is carried out as it was made, without being asked again', async () => {
    program.manifest(edited.replace('pids: 128', 'pids: 64'))
    expect((await program.run(['diff', '--out', saved()])).code).toBe(1)
    await program.must(['apply', '--plan', saved()])
    expect((await program.run('diff')).code).toBe(0)
    expect(docker('inspect', '-f', '{{.HostConfig.PidsLimit}}', agent())).toBe('64')
  })

  it('6: is stale when it was carried out already', async () => {
    const { code, err } = await program.run(['apply', '--plan', saved()])
    expect(code, err).toBe(6)
    expect(err).toContain('the world moved')
  })

  it('6: is stale when the world moved', async () => {
    program.manifest(ONE)
    await program.run(['diff', '--out', saved()])
    docker('rm', '-f', agent())
    const { code, err } = await program.run(['apply', '--plan', saved()])
    expect(code, err).toBe(6)
    expect(err).toContain('bottle/one')
    await program.must('apply --yes')
  })

  it('6: is stale when the manifest was edited, and names the file', async () => {
    program.manifest(edited)
    await program.run(['diff', '--out', saved()])
    program.manifest(edited.replace('d.example', 'e.example'))
    const { code, err } = await program.run(['apply', '--plan', saved()])
    expect(code, err).toBe(6)
    expect(err).toContain('bottles.yaml')
  })

  it('2: is refused when it is none, or was cut', async () => {
    const text = readFileSync(saved(), 'utf8')
    for (const content of ['', '{}', text.slice(0, text.length / 2)]) {
      writeFileSync(saved(), content)
      expect((await program.run(['apply', '--plan', saved()])).code).toBe(2)
    }
  })
})

/** The process has stopped itself. */
async function stopped(pid: number | undefined): Promise<void> {
  const state = () => / ([A-Za-z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''))?.[1]
  await expect.poll(state, { timeout: 60_000, interval: 20 }).toBe('T')
}
