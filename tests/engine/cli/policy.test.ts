/** A policy from a refusal: asked beforehand, refused, suggested, pasted, allowed. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'
import { openUpstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

let program: Program
let upstream: Upstream

beforeAll(async () => {
  program = openProgram('policy', { POLICY_TOKEN: 'canary-77bd-value' })
  upstream = await openUpstream('api.example')
  writeFileSync(join(program.folder, 'authority.pem'), upstream.authority)
  mkdirSync(join(program.folder, 'presets'))
  writeFileSync(
    join(program.folder, 'presets/tracker.yaml'),
    [
      'version: 1',
      'title: Reading a tracker',
      'routes:',
      `  - { host: api.example, port: ${upstream.port}, allow_private: true, auth: accepts, matches: [{ methods: [GET], paths: [{ prefix: /v1/ }] }] }`,
      '',
    ].join('\n'),
  )
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
  upstream.close()
})

const withRoutes = (routes: string): string =>
  [
    'uplink:',
    '  trust: [authority.pem]',
    `  hosts: { api.example: ${upstream.address} }`,
    'bottles:',
    '  base:',
    '    template: true',
    '    resources: { memory: 256MiB, pids: 128 }',
    '    egress:',
    '      routes:',
    '        - preset: tracker',
    '          auth: { scheme: bearer, token_ref: POLICY_TOKEN }',
    '  implementer:',
    '    extends: base',
    routes,
    '',
  ].join('\n')
const url = (path: string): string => `https://api.example:${upstream.port}${path}`
const curl = async (path: string): Promise<string> =>
  (
    await program.run([
      'exec',
      'implementer',
      '--',
      'curl',
      '-sS',
      '-m',
      '10',
      '-w',
      ' %{http_code}',
      url(path),
    ])
  ).out
const explained = (path: string) => program.run(['explain', '--url', `GET ${url(path)}`])

it('goes from a refusal to the lines that allow it, and explain agrees with egress on the way', async () => {
  program.manifest(withRoutes(''))
  await program.must('apply --yes')
  expect(await curl('/v1/a')).toBe('hello from upstream\n 200')
  expect(upstream.asked.at(-1)).toEqual({ path: '/v1/a', authorization: 'Bearer canary-77bd-value' })
  expect(await explained('/v1/a')).toMatchObject({ code: 0 })
  const refused = await curl('/v2/b')
  expect(refused).toMatch(/declared at bottles\.yaml:\d+ \(preset tracker\)[^]* 403$/)
  const before = await explained('/v2/b')
  expect(before.code).toBe(1)
  expect(before.out).toContain('request-undeclared')

  const suggested = await program.must('policy suggest implementer --since 1h')
  expect(suggested.out).toContain('- exact: /v2/b')
  expect(suggested.out).not.toContain('canary-77bd-value')
  program.manifest(withRoutes(suggested.out.replaceAll(/^(?!#)/gm, '    ')))
  expect(await explained('/v2/b')).toMatchObject({ code: 0 })
  expect((await program.must('apply')).out).toContain('no agent restarts')
  expect(await curl('/v2/b')).toBe('hello from upstream\n 200')
  expect(await curl('/v1/a')).toBe('hello from upstream\n 200')
  expect(await curl('/v2/c')).toContain('403')
})

it('carries limits and passthrough to the door', async () => {
  const own = (keys: string): string =>
    withRoutes(
      `    egress: { routes: [{ host: api.example, port: ${upstream.port}, allow_private: true, ${keys} }] }`,
    )
  program.manifest(own('limits: { rate: 1/h }'))
  await program.must('apply')
  expect([await curl('/a'), await curl('/a')].join('\n')).toMatch(/ 200\n[^]*limit-rate[^]* 403$/)
  program.manifest(own('tls_passthrough: true'))
  const applied = await program.must('apply')
  expect(applied.err).toContain('route-not-inspected')
  const blind = await program.run(['exec', 'implementer', '--', 'curl', '-sSk', '-m', '10', url('/blind')])
  expect(blind.out).toBe('hello from upstream\n')
  expect(upstream.asked.at(-1)).toEqual({ path: '/blind', authorization: undefined })
})
