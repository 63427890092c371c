/** A container of somebody else has the name of one bundle: that bottle is closed and left alone, the other one goes on. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'
import { openUpstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

let program: Program
let upstream: Upstream
const bundle = () => liveNames.bundle(program.stack, 'one')
const agent = () => liveNames.agent(program.stack, 'one')

const manifest = (one: readonly string[], two: readonly string[]) => {
  const route = (host: string) =>
    `        - { host: ${host}, port: ${upstream.port}, allow_private: true, matches: [{ methods: [GET] }] }`
  const bottle = (name: string, hosts: readonly string[]) => [
    `  ${name}:`,
    '    resources: { memory: 256MiB, pids: 128 }',
    '    egress:',
    '      routes:',
    ...hosts.map(route),
  ]
  program.manifest(
    [
      'uplink:',
      '  trust: [authority.pem]',
      `  hosts: { api.example: ${upstream.address} }`,
      'bottles:',
      ...bottle('one', one),
      ...bottle('two', two),
      '',
    ].join('\n'),
  )
}

beforeAll(async () => {
  program = openProgram('blocked')
  upstream = await openUpstream('api.example')
  writeFileSync(join(program.folder, 'authority.pem'), upstream.authority)
  manifest(['api.example', 'kept.example'], ['kept.example'])
  await program.must('apply')
  docker('rm', '-f', bundle())
  docker(
    'create',
    '--name',
    bundle(),
    '--network',
    'none',
    docker('inspect', '-f', '{{.Config.Image}}', agent()),
  )
  manifest(['kept.example', 'new.example'], ['api.example'])
})
afterAll(async () => {
  docker('rm', '-f', bundle())
  await program.run('destroy --yes')
  program.dispose()
  upstream.close()
})

describe('apply with a stranger in place of one bundle', () => {
  it('says beforehand what it closes, what it cannot tell and what it leaves', async () => {
    const { code, out } = await program.run('diff')
    expect(code).toBe(1)
    expect(out).toMatch(
      /- route\/one\/api\.example:\d+\s+no longer declared; cannot tell whether egress has it/,
    )
    expect(out).toContain('the uplink stops dialling it')
    expect(out).toContain(`Blocked: bundle/one: its name is taken by an unmarked object`)
    expect(out).toContain('`bot-bottle stop one` halts its agent until then')
  })

  it('does everything else, and ends with 5', async () => {
    const before = docker('inspect', '-f', '{{.Id}} {{.State.StartedAt}}', agent(), bundle())
    const { code, out } = await program.run('apply')
    expect([code, out]).toEqual([5, expect.stringContaining('closed at the uplink')])
    expect(docker('inspect', '-f', '{{.Id}} {{.State.StartedAt}}', agent(), bundle())).toBe(before)
    const url = `https://api.example:${upstream.port}/`
    const { out: answer } = await program.must(['exec', 'two', '--', 'curl', '-sS', '-m', '10', url])
    expect(answer).toBe('hello from upstream\n')
  })

  it('goes on listing what nobody can tell, and stop halts the agent', async () => {
    const { out, code } = await program.run('apply')
    expect(code).toBe(5)
    expect(out).toMatch(
      /route\/one\/api\.example:\d+\s+no longer declared; cannot tell .*the uplink does not dial it/,
    )
    await program.must('stop one')
    expect(docker('inspect', '-f', '{{.State.Running}}', agent())).toBe('false')
  })

  it('brings the bottle up to what is declared once the name is free', async () => {
    docker('rm', '-f', bundle())
    await program.must('apply --yes')
    await program.must('start one')
    expect((await program.run('diff')).code).toBe(0)
  })
})
