/** The root of a bottle is renewed while a program in it talks TLS all the time: it never notices. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'
import { openUpstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

const DAY = 86_400_000
let program: Program
let upstream: Upstream

beforeAll(async () => {
  program = openProgram('renewal')
  upstream = await openUpstream('api.example')
  writeFileSync(join(program.folder, 'authority.pem'), upstream.authority)
  program.manifest(
    [
      'uplink:',
      '  trust: [authority.pem]',
      `  hosts: { api.example: ${upstream.address} }`,
      'bottles:',
      '  one:',
      '    resources: { memory: 256MiB, pids: 128 }',
      '    egress:',
      '      routes:',
      `        - { host: api.example, port: ${upstream.port}, allow_private: true, matches: [{ methods: [GET] }] }`,
      '',
    ].join('\n'),
  )
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
  upstream.close()
})

const at = (days: number) => ({ preload: ['clock-shift.ts'], env: { CLOCK_SHIFT: String(days * DAY) } })
const url = () => `https://api.example:${upstream.port}/`
const sh = async (script: string) => (await program.must(['exec', 'one', '--', 'sh', '-c', script])).out
const curl = () => sh(`curl -sS -m 10 ${url()}`)
const roots = async () => {
  const places = ['/etc/ssl/certs/ca-certificates.crt', '/etc/bot-bottle/ca-bundle.pem']
  const marks = await sh(places.map((place) => `grep -c '# bot-bottle root' ${place}`).join('; '))
  const pem = await sh('grep -c BEGIN /etc/bot-bottle/root.pem')
  return [...marks.trim().split('\n'), pem.trim()].map(Number)
}
const containers = () =>
  [liveNames.agent(program.stack, 'one'), liveNames.bundle(program.stack, 'one')].map((name) =>
    docker('inspect', '-f', '{{.Id}} {{.State.StartedAt}}', name),
  )

describe('A root that is 29 days old', () => {
  let before: readonly string[]
  beforeAll(async () => {
    await program.must('apply', at(-29.5))
    before = containers()
    // Every connection is a TLS client of its own; what went wrong stands in a file.
    await sh(
      `(while [ ! -e /tmp/stop ]; do curl -sS -m 10 ${url()} >/dev/null 2>>/tmp/wrong && echo x >>/tmp/right; done; touch /tmp/stopped) >/dev/null 2>&1 &`,
    )
  })

  it('is alone in the guest, and is what a client trusts', async () => {
    expect([await curl(), await roots()]).toEqual(['hello from upstream\n', [1, 1, 1]])
  })

  it('has from its twentieth day the next one beside it', async () => {
    const { out } = await program.must('diff', at(-29.5))
    expect(out).toContain('in sync')
    const apply = await program.must('apply', at(-6))
    expect(apply.out).toContain('a new one is put beside it')
    expect(apply.out).toContain('no agent restarts')
    expect([await curl(), await roots()]).toEqual(['hello from upstream\n', [2, 2, 2]])
  })

  it('gives way to it on its last day', async () => {
    const apply = await program.must('apply')
    expect(apply.out).toContain('takes over')
    expect(apply.out).toContain('no agent restarts')
    expect([await curl(), await roots()]).toEqual(['hello from upstream\n', [1, 1, 1]])
    expect((await program.must('apply')).out).toContain('nothing to do')
  })

  it('was renewed without a container, or one of many clients, noticing', async () => {
    await sh('touch /tmp/stop; until [ -e /tmp/stopped ]; do :; done')
    expect(containers()).toEqual(before)
    expect(await sh('cat /tmp/wrong')).toBe('')
    expect(Number(await sh('wc -l </tmp/right'))).toBeGreaterThan(20)
  })
})
