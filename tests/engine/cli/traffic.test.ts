/** What people see of egress, on the real engine: the audit over rotated pieces and restarts, counters, the archive. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { openProgram } from './program.ts'
import type { Program, Started } from './program.ts'

let program: Program

beforeAll(async () => {
  program = openProgram('traffic')
  program.manifest(
    [
      'bottles:',
      '  one:',
      '    resources: { memory: 256MiB, pids: 128 }',
      '    egress: { routes: [{ host: allowed.example }] }',
      '',
    ].join('\n'),
  )
  await program.must('apply --yes')
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
})

/** Refused requests `/FROM/…` to `/TO/…`, with paths that fill a line of the audit. */
const ask = (from: number, to: number) =>
  program.must([
    'exec',
    'one',
    '--',
    'curl',
    '-s',
    '-o',
    '/dev/null',
    `http://denied.example/[${from}-${to}]/${'x'.repeat(240)}`,
  ])

/** The numbers of the requests, as `logs --json` tells them. */
function numbers(out: string): readonly number[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const row = JSON.parse(line) as { readonly path?: string; readonly lost?: number }
      if (row.lost !== undefined) throw new Error(`${row.lost} lines are missing`)
      return Number(/^\/(\d+)\//.exec(row.path ?? '')?.[1])
    })
}
const upTo = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** What a follower has said when it has come to a number, and was interrupted. */
async function stop(follower: Started, last: number): Promise<readonly number[]> {
  await follower.says(`"/${last}/`)
  follower.child.kill('SIGINT')
  const { code, out } = await follower.ended
  expect(code).toBe(130)
  return numbers(out)
}

const COUNT = 16_000

it('follows the audit over rotations of the engine’s log, in order, no line twice, none missing', async () => {
  await ask(1, 10)
  const follower = program.start('logs --egress --follow --json one')
  await follower.says('"/10/')
  await ask(11, COUNT)
  expect(await stop(follower, COUNT)).toEqual(upTo(1, COUNT))
}, 180_000)

it('keeps a bounded part of it, without a gap to the newest line', async () => {
  const kept = numbers((await program.must('logs --egress --json one')).out)
  expect(kept.length).toBeLessThan(COUNT)
  expect(kept.length).toBeGreaterThan(1000)
  expect(kept).toEqual(upTo(COUNT - kept.length + 1, COUNT))
  expect(numbers((await program.must('logs --egress --json --tail 3 one')).out)).toEqual(
    upTo(COUNT - 2, COUNT),
  )
  expect((await program.must('logs --egress --since 2099-01-01T00:00:00Z one')).out).toBe('')
  expect(numbers((await program.must('logs --egress --json --since 1h one')).out)).toEqual(kept)
})

it('counts by declared host, for people, programs and Prometheus', async () => {
  const [line = ''] = (await program.must('top one --json')).out.split('\n')
  expect(JSON.parse(line)).toMatchObject({
    bottle: 'one',
    routes: [{ route: 'undeclared', allowed: 0, refused: COUNT, failed: 0 }],
  })
  expect((await program.must('top')).out).toMatch(new RegExp(`^one +\\(undeclared\\) +0 +– +${COUNT} `, 'm'))
  expect((await program.must('metrics')).out).toContain(
    `bot_bottle_egress_refusals_total{stack="${program.stack}",bottle="one",route="undeclared",rule="host-undeclared"} ${COUNT}\n`,
  )
})

it('draws in place on a terminal until Ctrl-C', async () => {
  const terminal = program.terminal('top one')
  await terminal.says(/undeclared[^]*undeclared/)
  terminal.type('\u0003')
  await terminal.says('code 130')
  expect(terminal.shown()).toContain('\u001b[?25h')
})

it('writes an archive that is as long as the audit', async () => {
  const { log } = JSON.parse((await program.must('har one --since 1h')).out) as {
    readonly log: { readonly entries: readonly { readonly request: { readonly url: string } }[] }
  }
  expect(log.entries.at(-1)?.request.url).toContain(`http://denied.example/${COUNT}/`)
})

it('goes on over a halt of the bundle and over another bundle, and reads one that is halted', async () => {
  const follower = program.start('logs --egress --follow --tail 1 --json one')
  await follower.says(`"/${COUNT}/`)
  docker('stop', '-t', '3', liveNames.bundle(program.stack, 'one'))
  expect(numbers((await program.must('logs --egress --json --tail 1 one')).out)).toEqual([COUNT])
  expect(await program.run('top one --once')).toMatchObject({ code: 0 })
  expect((await program.must('top one --once')).out).toContain('unknown')
  await program.must('apply --yes')
  await ask(COUNT + 1, COUNT + 3)
  expect(await stop(follower, COUNT + 3)).toEqual(upTo(COUNT, COUNT + 3))
}, 120_000)
