import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Ajv } from 'ajv'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EgressCounters } from '../../../src/model/control.ts'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(async () => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
  const { code, stderr } = await program.run('apply', { env: TOKEN })
  if (code !== 0) throw new Error(stderr)
})
afterEach(() => program.close())

const COUNTED: EgressCounters = {
  connections: 2,
  routes: [
    {
      route: 'api.github.com:443',
      allowed: 120,
      refused: { 'request-undeclared': 3, 'upstream-timeout': 1 },
      bytesOut: 1_200_000,
      bytesIn: 999,
    },
    { route: 'undeclared', allowed: 0, refused: { 'host-undeclared': 12 }, bytesOut: 0, bytesIn: 0 },
  ],
}

function count(bottle: string, counters: EgressCounters): void {
  program.world.change((state) => void (state.stacks['acme']!.bundles[bottle]!.counters = counters))
}
function halt(bottle: string): void {
  program.world.change((state) => void (state.stacks['acme']!.bundles[bottle]!.fields = { running: false }))
}

/** The table without what depends on when it ran. */
const lines = (text: string): readonly string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ · for .*$/, ''))

describe('top', () => {
  test('prints one table where there is no terminal: allowed, refused and failed by declared host', async () => {
    count('implementer', COUNTED)
    const { code, stdout } = await program.run('top')
    expect(code).toBe(0)
    expect(lines(stdout)).toEqual([
      'BOTTLE       HOST            ALLOWED  PER SECOND  REFUSED  FAILED     OUT     IN',
      'implementer  api.github.com      120           –        3       1  1.2 MB  999 B',
      'implementer  (undeclared)          0           –       12       0     0 B    0 B',
      'reviewer     –                     0           –        0       0     0 B    0 B',
      'acme · 2 bottles · 120 allowed · 15 refused',
    ])
  })

  test('shows what does not answer as unknown, never as nothing', async () => {
    halt('reviewer')
    const { code, stdout } = await program.run('top reviewer')
    expect(code).toBe(0)
    expect(lines(stdout)[1]).toMatch(/^reviewer +unknown: bundle\/reviewer does not answer +(\? +){5}\?$/)
    expect(lines(stdout).at(-1)).toContain('1 unknown')
    const [document] = (await program.run('top reviewer --json')).stdout.split('\n')
    expect(JSON.parse(document ?? '')).toMatchObject({
      bottle: 'reviewer',
      unknown: 'bundle/reviewer does not answer',
    })
    expect(JSON.parse(document ?? '')).not.toHaveProperty('routes')
  })

  test('says the same in JSON, one line for each bottle', async () => {
    count('implementer', COUNTED)
    const { stdout } = await program.run('top --json')
    const [first, second] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first).toMatchObject({
      stack: 'acme',
      bottle: 'implementer',
      connections: 2,
      routes: [
        { route: 'api.github.com:443', allowed: 120, refused: 3, failed: 1, bytesOut: 1_200_000 },
        { route: 'undeclared', allowed: 0, refused: 12 },
      ],
    })
    expect(second).toMatchObject({ bottle: 'reviewer', routes: [] })
  })

  test('draws in place on a terminal until Ctrl-C, and leaves the cursor as it was', async () => {
    const { code, stdout } = await program.run('top', { terminal: true, signal: 'SIGINT' })
    expect(code).toBe(130)
    expect(stdout.startsWith('\u001b[?25l')).toBe(true)
    expect(stdout.endsWith('\u001b[?25h')).toBe(true)
  })

  test('draws nothing with --once, also on a terminal', async () => {
    const { code, stdout } = await program.run('top --once', { terminal: true })
    expect(code).toBe(0)
    expect(stdout).not.toContain('\u001b[?25l')
    expect(stdout).toContain('BOTTLE')
  })

  test('knows no bottle that is not there', async () => {
    expect(await program.run('top nobody')).toMatchObject({ code: 2 })
  })
})

describe('metrics', () => {
  test('are Prometheus text, each family once, a bottle that does not answer down and otherwise absent', async () => {
    count('implementer', COUNTED)
    halt('reviewer')
    const { code, stdout } = await program.run('metrics')
    expect(code).toBe(0)
    const own = 'stack="acme",bottle="implementer"'
    const route = `${own},route="api.github.com:443"`
    expect(stdout.split('\n').filter((line) => !line.includes('start_time_seconds{'))).toEqual([
      '# HELP bot_bottle_egress_up Whether the egress daemon of the bottle answered: 1, or 0 and nothing else is known of it.',
      '# TYPE bot_bottle_egress_up gauge',
      `bot_bottle_egress_up{${own}} 1`,
      'bot_bottle_egress_up{stack="acme",bottle="reviewer"} 0',
      '# HELP bot_bottle_egress_requests_total Requests that went on, and tunnels that were passed through.',
      '# TYPE bot_bottle_egress_requests_total counter',
      `bot_bottle_egress_requests_total{${route}} 120`,
      `bot_bottle_egress_requests_total{${own},route="undeclared"} 0`,
      '# HELP bot_bottle_egress_refusals_total Requests that were refused, by rule.',
      '# TYPE bot_bottle_egress_refusals_total counter',
      `bot_bottle_egress_refusals_total{${route},rule="request-undeclared"} 3`,
      `bot_bottle_egress_refusals_total{${own},route="undeclared",rule="host-undeclared"} 12`,
      '# HELP bot_bottle_egress_failures_total Allowed requests that the upstream did not answer, by rule.',
      '# TYPE bot_bottle_egress_failures_total counter',
      `bot_bottle_egress_failures_total{${route},rule="upstream-timeout"} 1`,
      '# HELP bot_bottle_egress_sent_bytes_total Bytes of bodies, frames and passed-through tunnels to upstreams.',
      '# TYPE bot_bottle_egress_sent_bytes_total counter',
      `bot_bottle_egress_sent_bytes_total{${route}} 1200000`,
      `bot_bottle_egress_sent_bytes_total{${own},route="undeclared"} 0`,
      '# HELP bot_bottle_egress_received_bytes_total Bytes of bodies, frames and passed-through tunnels from upstreams.',
      '# TYPE bot_bottle_egress_received_bytes_total counter',
      `bot_bottle_egress_received_bytes_total{${route}} 999`,
      `bot_bottle_egress_received_bytes_total{${own},route="undeclared"} 0`,
      '# HELP bot_bottle_egress_connections Connections that are open at the doors.',
      '# TYPE bot_bottle_egress_connections gauge',
      `bot_bottle_egress_connections{${own}} 2`,
      '# HELP bot_bottle_daemon_restarts_total Times a daemon of the bundle began anew since the bundle did.',
      '# TYPE bot_bottle_daemon_restarts_total counter',
      `bot_bottle_daemon_restarts_total{${own},daemon="egress"} 0`,
      '# HELP bot_bottle_daemon_start_time_seconds When a daemon of the bundle began, seconds since 1970; its counters are from then on.',
      '# TYPE bot_bottle_daemon_start_time_seconds gauge',
      '',
    ])
  })
})

/** The schema as published, checked by format where a format is named. */
const validator = () => {
  const { schemas } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../../fixtures/har/har-1.2.schema.json'), 'utf8'),
  ) as { readonly schemas: readonly { readonly $id: string; readonly $schema?: string }[] }
  const ajv = new Ajv({
    strict: false,
    formats: {
      'date-time': (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text),
      uri: (text: string) => URL.canParse(text) && /^[\x21-\x7e]+$/.test(text),
      ipv4: true,
      ipv6: true,
    },
  })
  for (const { $schema: _draft, ...schema } of schemas) ajv.addSchema(schema)
  return ajv
}

const AUDIT: readonly object[] = [
  {
    at: '2026-05-01T10:00:01.500Z',
    decision: 'allow',
    rule: 'route',
    method: 'POST',
    scheme: 'https',
    host: 'api.github.com',
    port: 443,
    path: '/repos/acme/app',
    status: 201,
    bytesOut: 12,
    bytesIn: 34,
    ms: 1500,
    generation: 3,
  },
  {
    at: '2026-05-01T10:00:00.100Z',
    decision: 'deny',
    rule: 'secret-found',
    finding: 'token/gitlab-pat',
    method: 'GET',
    scheme: 'https',
    host: 'api.github.com',
    port: 8443,
    path: `/x/glpat-Zx9Kq7Lm2Vt5Rb8Wn4Yc/"%2e é`,
    status: 403,
    generation: 3,
  },
  {
    at: '2026-05-01T10:00:02.000Z',
    decision: 'deny',
    rule: 'host-undeclared',
    method: 'CONNECT',
    host: 'no.test',
    port: 443,
  },
  { at: '2026-05-01T10:00:03.000Z', decision: 'deny', rule: 'request-malformed', host: '', port: 0 },
  { lost: 4 },
  { event: 'daemon running' },
]

describe('har', () => {
  const answer = (rows: readonly object[]): void =>
    program.answerLogs(async () => {
      const stream = new PassThrough()
      stream.end(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
      return stream
    })

  test('is HAR 1.2 by its published schema, in the order of the beginnings', async () => {
    answer(AUDIT)
    const { code, stdout } = await program.run('har implementer')
    expect(code).toBe(0)
    const document = JSON.parse(stdout)
    const ajv = validator()
    expect(ajv.validate('har.json#', document), ajv.errorsText()).toBe(true)
    expect(document.log.entries).toMatchObject([
      {
        startedDateTime: '2026-05-01T10:00:00.000Z',
        time: 1500,
        request: { method: 'POST', url: 'https://api.github.com/repos/acme/app', bodySize: 12 },
        response: { status: 201, bodySize: 34, content: { size: 34 } },
        _decision: 'allowed',
        _generation: 3,
      },
      {
        request: { method: 'GET', url: `https://api.github.com:8443/x/${'*'.repeat(26)}/%22%2e%20%C3%A9` },
        response: { status: 403, bodySize: -1 },
        comment: 'refused secret-found token/gitlab-pat',
      },
      { request: { method: 'CONNECT', url: 'https://no.test/' }, response: { status: 0 } },
    ])
    expect(document.log.comment).toBe(
      'egress of implementer; from its audit: no fields, queries and bodies; 1 refused without a host; 4 lines of the audit are missing',
    )
  })

  test('the schema refuses what is none', () => {
    const ajv = validator()
    const log = { version: '1.2', creator: { name: 'x', version: '1' } }
    expect(ajv.validate('har.json#', { log: { ...log, entries: [] } })).toBe(true)
    expect(ajv.validate('har.json#', { log })).toBe(false)
    expect(ajv.validate('har.json#', { log: { ...log, entries: [{ time: 1 }] } })).toBe(false)
  })

  test('is written to a file that others cannot read, and says when it holds refusals only', async () => {
    answer(AUDIT.slice(2, 3))
    const { code, stdout, stderr } = await program.run('har implementer --out traffic.har')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    const file = join(program.folder, 'traffic.har')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(file, 'utf8')).log.entries).toHaveLength(1)
    expect(stderr).toContain('1 exchange of implementer in traffic.har')
    expect(stderr).toContain('egress.log: all')
  })

  test('asks for no `egress.log: all` where the manifest says it, and not as if it did not where none is read', async () => {
    answer(AUDIT.slice(2, 3))
    const unread = await program.run('har implementer --stack acme --driver memory --out a.har')
    expect(unread.stderr).toContain('kept only where the manifest says `egress.log: all`')
    program.write('bottles.yaml', MANIFEST.replace('egress:\n', 'egress:\n      log: all\n'))
    const { code, stderr } = await program.run('har implementer --out b.har')
    expect(code).toBe(0)
    expect(stderr).toBe('1 exchange of implementer in b.har\n')
  })
})

describe('an engine that is gone', () => {
  beforeEach(() => {
    for (const bottle of ['implementer', 'reviewer']) halt(bottle)
    program.faults.add({ call: 'observe', moment: 'before', times: 10 })
  })

  test.each(['top', 'top --json', 'metrics'])(
    'leaves `%s` with 0 where a manifest names the bottles, and 8 where the engine must',
    async (command) => {
      const named = await program.run(command)
      expect(named.code).toBe(0)
      expect(named.stdout).toMatch(/unknown|^bot_bottle_egress_up\{.*\} 0$/m)
      expect(await program.run(`${command} --stack acme --driver memory`)).toMatchObject({
        code: 8,
        stdout: '',
      })
    },
  )
})

describe('whoever reads stdout, and leaves', () => {
  test('ends `logs --follow` with the next line, of one bottle or of all', async () => {
    for (const command of ['logs implementer --follow', 'logs --follow']) {
      const streams: PassThrough[] = []
      program.answerLogs(async () => {
        const stream = new PassThrough()
        stream.write('first\nsecond\nthird\n')
        streams.push(stream)
        return stream
      })
      const { code, stdout, stderr } = await program.run(command, { leaves: true })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^(?:implementer {2})?first\n$/)
      expect(streams.every(({ destroyed }) => destroyed)).toBe(true)
    }
  })

  test('ends `logs --egress --follow` with the next line', async () => {
    const line = { at: '2026-05-01T10:00:01.000Z', decision: 'deny', rule: 'host-undeclared', host: 'a.test' }
    program.answerLogs(async () => {
      const stream = new PassThrough()
      stream.write(`${JSON.stringify(line)}\n`.repeat(3))
      return stream
    })
    const { code, stdout } = await program.run('logs implementer --egress --follow', { leaves: true })
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  })

  test('ends `top` that goes on', async () => {
    const { code, stdout } = await program.run('top implementer --json --interval 0.25', { leaves: true })
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('logs --egress', () => {
  test('puts the lines of several bottles in their order, under the names they have here, and says what is missing', async () => {
    const at = (second: number): string => `2026-05-01T10:00:0${second}.000Z`
    const line = (second: number) => ({
      at: at(second),
      decision: 'deny',
      rule: 'host-undeclared',
      host: 'a.test',
      port: 443,
    })
    program.answerLogs(async (_stack, bottle) => {
      const rows =
        bottle === 'implementer'
          ? [line(1), { lost: 2 }, line(4)]
          : [{ ...line(2), bottle: 'implementer' }, line(3)]
      const stream = new PassThrough()
      stream.end(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
      return stream
    })
    const { code, stdout, stderr } = await program.run('logs --egress')
    expect(code).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((shown) => shown.slice(0, 22).trimEnd()),
    ).toEqual([
      '10:00:01  implementer',
      '10:00:02  reviewer  re',
      '10:00:03  reviewer  re',
      '10:00:04  implementer',
    ])
    expect(stderr).toContain('implementer: 2 lines are missing here')
  })
})
