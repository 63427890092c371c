import { describe, expect, test } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { DriverError } from '../../../src/model/errors.ts'
import type { Diagnostic } from '../../../src/model/diagnostic.ts'
import { accessLine } from '../../../src/render/access-log.ts'
import { widthOf, cut, wrapped } from '../../../src/render/columns.ts'
import { diagnosticLines, warningLines } from '../../../src/render/diagnostics.ts'
import { doctorLines } from '../../../src/render/doctor.ts'
import { errorDocument, errorLines } from '../../../src/render/error.ts'
import { explainLines } from '../../../src/render/explain.ts'
import { statusLines } from '../../../src/render/status.ts'
import { PLAIN } from '../../../src/render/style.ts'
import { dataSize, duration, memorySize, valueOf } from '../../../src/render/words.ts'

const text = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`

describe('diagnostics', () => {
  const source = [
    'version: 1',
    'bottles:',
    '  dev:',
    '    egress:',
    '      route:',
    '        - host: api.github.com',
  ].join('\n')
  const unknownKey: Diagnostic = {
    severity: 'error',
    code: 'unknown-key',
    message: '`egress.route` is not a key here; did you mean `routes`?',
    place: { file: 'bottles.yaml', line: 5, column: 7, length: 5 },
  }
  const missing: Diagnostic = {
    severity: 'error',
    code: 'missing-host-key',
    message: 'remote `origin` needs `host_key`',
    hint: 'ssh-keyscan -p 2222 gitea.acme.example',
    place: { file: 'other.yaml', line: 27, column: 22 },
  }
  const unused: Diagnostic = {
    severity: 'warning',
    code: 'unused-bottle',
    message: 'no agent uses `old`',
    place: { file: 'bottles.yaml', line: 3, column: 3 },
  }
  test('show the line, the mark and the hint', () => {
    expect(text(diagnosticLines([unused, unknownKey, missing], new Map([['bottles.yaml', source]]), PLAIN)))
      .toMatchInlineSnapshot(`
        "
        bottles.yaml:5:7  unknown-key  \`egress.route\` is not a key here; did you mean \`routes\`?

          4 |     egress:
          5 |       route:
            |       ^^^^^
          6 |         - host: api.github.com

        other.yaml:27:22  missing-host-key  remote \`origin\` needs \`host_key\`
          hint: ssh-keyscan -p 2222 gitea.acme.example

        bottles.yaml:3:3  warning unused-bottle  no agent uses \`old\`

        2 errors, 1 warning, nothing planned
        "
      `)
  })
  test('keep the mark in place behind tabs and hidden characters', () => {
    const lines = diagnosticLines(
      [{ ...unknownKey, place: { file: 'x', line: 1, column: 4, length: 1 } }],
      new Map([['x', '\t\u202eaB']]),
      PLAIN,
    )
    const [frame = '', mark = ''] = lines.slice(2, 4)
    expect(frame[mark.indexOf('^')]).toBe('B')
  })
  test('survive a place beyond the end of the file', () => {
    expect(
      diagnosticLines(
        [{ ...unknownKey, place: { file: 'x', line: 99, column: 99 } }],
        new Map([['x', 'a']]),
        PLAIN,
      )[0],
    ).toContain('x:99:99')
  })
  test('never show what looks like a secret again, in no frame', () => {
    const lines = ['stack: acme', 'a: { T: ghp_abc, x: 1 }', 'k: |', '  -----BEGIN', 'z: 1'].join('\n')
    const at = (code: string, line: number, column: number, length: number): Diagnostic => ({
      severity: 'error',
      code,
      message: 'm',
      place: { file: 'f', line, column, length },
    })
    const said = diagnosticLines(
      [at('secret-in-manifest', 2, 9, 7), at('unknown-key', 1, 1, 5), at('secret-in-manifest', 3, 4, 1)],
      new Map([['f', lines]]),
      PLAIN,
    ).join('\n')
    expect(said).toContain('a: { T: *******, x: 1 }')
    expect(said).not.toMatch(/ghp_abc|BEGIN/)
  })
  test('keep to the width of the terminal', () => {
    const line = `    key: ${'long words in a line '.repeat(10)}`
    for (const [width, column] of [
      [80, 10],
      [80, 150],
      [120, 200],
    ] as const) {
      const said = diagnosticLines(
        [{ ...missing, place: { file: 'f', line: 2, column, length: 300 } }],
        new Map([['f', `a\n${line}\nb`]]),
        { ...PLAIN, width },
      )
      for (const each of said) expect(each.length).toBeLessThanOrEqual(width)
    }
  })
  test('warnings beside a plan take one line', () => {
    expect(warningLines([unused], PLAIN)).toEqual([
      'bottles.yaml:3:3  warning unused-bottle  no agent uses `old`',
    ])
  })
})

test('status is a table, the stack below it', () => {
  const now = '2026-05-01T12:00:00.000Z'
  const lines = statusLines(
    {
      stack: 'acme',
      now,
      compared: true,
      uplink: 'ok',
      unknown: [],
      bottles: [
        {
          bottle: 'implementer',
          driver: 'docker',
          state: 'ready',
          agent: 'working',
          routes: 6,
          remotes: 2,
          refusedLastHour: 3,
          canaryAt: '2026-05-01T11:48:00.000Z',
          memory: {
            agent: { usedBytes: 412e6, limitBytes: 4 * 2 ** 30 },
            bundle: { usedBytes: 33e6, limitBytes: 512 * 2 ** 20 },
          },
          createdAt: '2026-05-01T10:00:00.000Z',
          differing: [],
        },
        {
          bottle: 'reviewer',
          driver: 'docker',
          state: 'bundle is gone',
          routes: 4,
          createdAt: '2026-04-20T10:00:00.000Z',
          mcpFailed: 'the MCP servers are not registered: codex ended with 1',
          differing: [address.bundle('reviewer')],
        },
      ],
    },
    PLAIN,
  )
  expect(text(lines)).toMatchInlineSnapshot(`
    "
    BOTTLE       STATE           AGENT    ROUTES  REMOTES  REFUSED 1h  DRIFT      AGENT MEMORY   BUNDLE MEMORY      AGE
    implementer  ready           working       6        2           3  none      393 MiB/4 GiB  31 MiB/512 MiB      2 h
    reviewer     bundle is gone  –             4        –           –  1 object              –               –  11 days
    2 bottles · 1 object differs, see \`bot-bottle diff\` · uplink ok
    implementer tried to send its canary 12 min ago: somebody else may tell the agent what to do, see \`bot-bottle logs --egress implementer\`
    reviewer: the MCP servers are not registered: codex ended with 1; its agent starts without them, \`bot-bottle apply reviewer\` tries again
    "
  `)
})

test('doctor lists what is right first, then each finding with its cure', () => {
  const lines = doctorLines(
    [
      {
        check: 'state folder',
        ok: false,
        found: '~/.bot-bottle has mode 0755',
        mend: 'chmod 700 ~/.bot-bottle',
      },
      { check: 'node', ok: true, found: '24.1.0' },
      { check: 'engine', ok: true, found: 'docker 20.10.24, API 1.41' },
    ],
    PLAIN,
  )
  expect(text(lines)).toMatchInlineSnapshot(`
    "
    ✓ node          24.1.0
    ✓ engine        docker 20.10.24, API 1.41
    ✗ state folder  ~/.bot-bottle has mode 0755
        mend: chmod 700 ~/.bot-bottle

    1 finding, 2 right
    "
  `)
})

test('explain shows every field with its line', () => {
  const lines = explainLines(
    {
      address: 'route/implementer/api.github.com',
      fields: [
        {
          path: 'host',
          value: 'api.github.com',
          place: { file: 'bottles.yaml', line: 18, column: 11 },
          via: ['extends base'],
        },
        { path: 'port', value: 443, via: [] },
        {
          path: 'matches[0].methods',
          value: ['GET'],
          place: { file: 'bottles.yaml', line: 20, column: 13 },
          via: [],
        },
      ],
    },
    PLAIN,
  )
  expect(text(lines)).toMatchInlineSnapshot(`
    "
    route/implementer/api.github.com

      host                api.github.com  bottles.yaml:18 (extends base)
      port                443             (built in)
      matches[0].methods  [GET]           bottles.yaml:20
    "
  `)
})

test('an error says what happened and what to do', () => {
  const error = new DriverError('docker does not answer at /var/run/docker.sock', {
    code: 'engine-unreachable',
    hint: 'sudo systemctl start docker',
    unreachable: true,
  })
  expect(text(errorLines(error, PLAIN))).toMatchInlineSnapshot(`
    "
    error docker does not answer at /var/run/docker.sock
      hint: sudo systemctl start docker
    "
  `)
  expect(errorDocument(error)).toBe(
    '{"error":{"code":"engine-unreachable","exit":8,"message":"docker does not answer at /var/run/docker.sock","hint":"sudo systemctl start docker"}}',
  )
})

test('an access log line is safe and in columns', () => {
  expect(
    accessLine(
      'implementer',
      {
        time: '2026-05-01T10:00:00.123Z',
        decision: 'refused',
        method: 'GET',
        host: 'pastebin.example',
        path: '/a\u001b[2J',
        rule: 'host-undeclared',
      },
      PLAIN,
    ),
  ).toBe('10:00:00  implementer  refused  GET      pastebin.example/a\\u{1b}[2J  host-undeclared')
})

test('an access log line says what was found, and how a WebSocket ended', () => {
  const line = { time: '2026-05-01T10:00:00.123Z', method: 'GET', host: 'live.example', path: '/ws' }
  const said = { ...line, decision: 'allowed', rule: 'route', status: 101, closeCode: 1008 } as const
  const found = {
    ...line,
    decision: 'refused',
    rule: 'secret-found',
    status: 403,
    finding: 'token/jwt',
  } as const
  expect(accessLine('dev', said, PLAIN)).toBe(
    '10:00:00  dev  allowed  GET      live.example/ws  route 101 closed 1008',
  )
  expect(accessLine('dev', found, PLAIN)).toBe(
    '10:00:00  dev  refused  GET      live.example/ws  secret-found 403 token/jwt',
  )
})

test.each([
  [40, '0.0 s'],
  [300, '0.3 s'],
  [9_940, '9.9 s'],
  [42_000, '42 s'],
  [125_000, '2 min'],
  [7_200_000, '2 h'],
  [12 * 86_400_000, '12 days'],
])('%d ms reads %s', (milliseconds, words) => expect(duration(milliseconds)).toBe(words))

test.each([
  [412e6, '412 MB'],
  [1.5e9, '1.5 GB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [1500, '1.5 kB'],
  [512, '512 B'],
])('%d bytes of traffic read %s', (number, words) => expect(dataSize(number)).toBe(words))

test.each([
  [4 * 2 ** 30, '4 GiB'],
  [1.5 * 2 ** 30, '1.5 GiB'],
  [32 * 2 ** 30, '32 GiB'],
  [256 * 2 ** 20, '256 MiB'],
])('%d bytes of memory read %s, as a manifest gives them', (number, words) =>
  expect(memorySize(number)).toBe(words),
)

test('values read bare unless that would be ambiguous', () => {
  expect([
    valueOf('/repos/'),
    valueOf(''),
    valueOf(undefined),
    valueOf(['GET', 'HEAD']),
    valueOf({ a: 1 }),
    valueOf(null),
  ]).toEqual(['/repos/', '""', '(none)', '[GET, HEAD]', '{"a":1}', 'null'])
})

test('sentences fill lines, and break neither words nor commands', () => {
  const line = '  hint: run `bot-bottle apply --yes` and look at it again'
  expect(wrapped(line, 30, '        ')).toEqual([
    '  hint: run',
    '        `bot-bottle apply --yes`',
    '        and look at it again',
  ])
  expect(wrapped(line, 0)).toEqual([line])
})
test('width counts wide characters twice and combining marks not at all', () => {
  expect([
    widthOf('abc'),
    widthOf('漢字'),
    widthOf('e\u0301'),
    widthOf('\u001b[31mred\u001b[39m'),
    cut('漢字漢字', 5),
  ]).toEqual([3, 4, 1, 3, '漢字…'])
})
