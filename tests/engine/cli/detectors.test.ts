/** A detector of the user on the real engine: what it knows is refused, and an edit of it reaches what runs. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { seeded, writeSample } from '../../../sidecars/detect/samples.ts'
import { install } from '../../contrib.ts'
import { docker } from '../docker/stack.ts'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'
import { openUpstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

const TOKEN = writeSample(['exco_', 'live_{crc32:24}'], seeded('engine'))
const AFTERWARDS = TOKEN.replace('live', 'beta')

let program: Program
let upstream: Upstream

const manifest = (more = ''): void =>
  program.manifest(
    [
      'uplink:',
      '  trust: [authority.pem]',
      `  hosts: { api.example: ${upstream.address} }`,
      'bottles:',
      '  one:',
      '    resources: { memory: 256MiB, pids: 128 }',
      '    egress:',
      '      dlp: { detectors: [detector-example] }',
      `      routes: [{ host: api.example, port: ${upstream.port}, allow_private: true }]`,
      more,
      '',
    ].join('\n'),
  )

beforeAll(async () => {
  program = openProgram('detect')
  upstream = await openUpstream('api.example')
  writeFileSync(join(program.folder, 'authority.pem'), upstream.authority)
  install(program.home, 'detector-example')
  manifest()
  await program.must('apply --yes')
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
  upstream.close()
})

/** What egress says, and the status. */
const posted = async (text: string): Promise<string> => {
  const url = `https://api.example:${upstream.port}/`
  const curl = ['curl', '-sS', '-m', '20', '-w', ' %{http_code}', '-d', `note=${text}`, url]
  return (await program.run(['exec', 'one', '--', ...curl])).out
}
/** Every container of the stack with when it was started. */
const running = (): string =>
  docker('ps', '-q', '--no-trunc', '--filter', `name=${program.stack}`)
    .split('\n')
    .sort()
    .map((id) => docker('inspect', '-f', '{{.Id}} {{.State.StartedAt}}', id))
    .join('\n')

it('a token that it knows does not leave, and what only looks alike does', async () => {
  expect(await posted(TOKEN)).toMatch(/plugin\/detector-example\/service-token[^]* 403$/)
  expect(await posted(AFTERWARDS)).toBe('hello from upstream\n 200')
  expect((await program.must('logs --egress one')).out).toContain('plugin/detector-example/service-token')
})

it('an edit of it is a change of the bottle, which runs on', async () => {
  const before = running()
  install(program.home, 'detector-example', {
    edit: (text) =>
      text
        .replace("anchors: ['exco_live_', 'exco_test_']", "anchors: ['exco_beta_', 'exco_test_']")
        .replaceAll('live', 'beta'),
  })
  const { code, out } = await program.run('diff')
  expect(code).toBe(1)
  expect(out).toMatch(/knows\.detector\/detector-example: [0-9a-f]{16} → [0-9a-f]{16} +bottles\.yaml:10/)
  await program.must('apply --yes')
  expect(await posted(AFTERWARDS)).toMatch(/plugin\/detector-example\/service-token[^]* 403$/)
  expect(await posted(TOKEN)).toBe('hello from upstream\n 200')
  expect(running()).toBe(before)
  expect((await program.run('diff')).code).toBe(0)
})

it('a finding of it is accepted like any other', async () => {
  manifest(
    '      allow_findings: [{ rule: plugin/detector-example/service-token, host: api.example, path: / }]',
  )
  await program.must('apply --yes')
  expect(await posted(AFTERWARDS)).toBe('hello from upstream\n 200')
})

it('without it nothing is planned', async () => {
  install(program.home, 'detector-example', { edit: (text) => `${text}(` })
  const { code, err } = await program.run('apply --yes')
  expect([code, err]).toEqual([2, expect.stringContaining('detector-unusable')])
})
