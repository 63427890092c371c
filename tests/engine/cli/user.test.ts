/** The way of a new user, from `init` to `destroy`, each step on what the one before left. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'
import { openUpstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

const TOKEN = 'canary-31aa-value'
let program: Program
let upstream: Upstream
const started = (name: string) => docker('inspect', '-f', '{{.Id}} {{.State.StartedAt}}', name)
const agent = () => liveNames.agent(program.stack, 'implementer')
const bundle = () => liveNames.bundle(program.stack, 'implementer')

beforeAll(async () => {
  program = openProgram('user', { USER_TOKEN: TOKEN })
  upstream = await openUpstream('api.example')
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
  upstream.close()
})

/** What stands in a manifest beside what `init` wrote. */
const withRoutes = (...routes: readonly string[]) =>
  [
    'uplink:',
    '  trust: [authority.pem]',
    `  hosts: { api.example: ${upstream.address} }`,
    'bottles:',
    '  implementer:',
    '    resources: { memory: 256MiB, pids: 128 }',
    '    egress:',
    '      log: all',
    '      routes:',
    ...routes.map((route) => `        - ${route}`),
    '',
  ].join('\n')
const get = (path: string) =>
  `{ host: api.example, port: ${upstream.port}, allow_private: true, auth: { scheme: bearer, token_ref: USER_TOKEN }, matches: [{ methods: [GET], paths: [{ prefix: ${path} }] }] }`
const curl = (path: string) =>
  program.run([
    'exec',
    'implementer',
    '--',
    'curl',
    '-sS',
    '-m',
    '10',
    '-w',
    ' %{http_code}',
    `https://api.example:${upstream.port}${path}`,
  ])

describe('A new user', () => {
  it('begins with init, which writes what validates', async () => {
    await program.must(`init --stack ${program.stack}`)
    expect((await program.must('validate')).code).toBe(0)
    expect((await program.run(`init --stack ${program.stack}`)).code).not.toBe(0)
  })

  it('sees what apply would do before it does it', async () => {
    const diff = await program.run('diff')
    expect(diff.code).toBe(1)
    expect(diff.out).toContain('+ bottle/implementer')
    expect(program.left()).toEqual([])
  })

  it('applies, and a second apply plans nothing', async () => {
    await program.must('apply')
    const before = [agent(), bundle()].map(started)
    const again = await program.must('apply')
    expect(again.out).toContain('nothing to do')
    expect((await program.run('diff')).code).toBe(0)
    expect([agent(), bundle()].map(started)).toEqual(before)
  })

  it('opens a route while a program keeps running, and the credential is never inside', async () => {
    writeFileSync(join(program.folder, 'authority.pem'), upstream.authority)
    program.manifest(withRoutes(get('/v1/')))
    await program.must('apply --yes')
    const before = [agent(), bundle()].map(started)
    expect((await curl('/v1/a')).out).toBe('hello from upstream\n 200')
    expect(upstream.asked.at(-1)).toEqual({ path: '/v1/a', authorization: `Bearer ${TOKEN}` })
    expect((await curl('/v2/a')).out).toContain('403')
    program.manifest(withRoutes(get('/v2/')))
    const apply = await program.must('apply')
    expect(apply.out).toContain('no agent restarts')
    expect((await curl('/v2/a')).out).toBe('hello from upstream\n 200')
    expect((await curl('/v1/a')).out).toContain('403')
    expect([agent(), bundle()].map(started)).toEqual(before)
    const env = await program.must('exec implementer -- env')
    expect(env.out).not.toContain(TOKEN)
  })

  it('reads what was allowed and refused', async () => {
    const { out } = await program.must('logs --egress')
    expect(out).toMatch(/allowed.*GET.*api\.example.*\/v1\/a/)
    expect(out).toMatch(/refused.*GET.*api\.example.*\/v2\/a/)
    expect(out).not.toContain(TOKEN)
  })

  it('finds the secret in no file of the state folder and in no container', () => {
    const inspected = docker('inspect', agent(), bundle(), liveNames.uplink(program.stack))
    expect(inspected).not.toContain(TOKEN)
    for (const entry of readdirSync(program.home, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) expect(readFileSync(join(entry.parentPath, entry.name)).includes(TOKEN)).toBe(false)
  })

  it('restarts the bundle; the credential is gone with it, diff says so, apply brings it back', async () => {
    docker('restart', '-t', '0', bundle())
    expect((await curl('/v2/a')).out).not.toContain('200')
    expect((await program.run('diff')).code).toBe(1)
    await program.must('apply --yes')
    expect((await curl('/v2/a')).out).toBe('hello from upstream\n 200')
  })

  it('destroys, and nothing is left', async () => {
    await program.must('destroy --yes')
    expect(program.left()).toEqual([])
    expect((await program.run('diff')).code).toBe(1)
    await program.must('destroy --yes')
  })

  it('destroys also without a manifest', async () => {
    await program.must('apply')
    program.manifest('bottles: {}\n')
    await program.must(`destroy --stack ${program.stack} --yes`)
    expect(program.left()).toEqual([])
  })
})
