import { describe, expect, it } from 'vitest'
import { decodeFromDaemon } from '../../../sidecars/supervisor/answers.ts'
import type { LogLine } from '../../../sidecars/supervisor/ipc.ts'

/** Every field that egress may fill in. */
const WHOLE: Required<LogLine> = {
  at: '2026-11-21T15:26:06.000Z',
  bottle: 'implementer',
  decision: 'deny',
  rule: 'secret-found',
  method: 'POST',
  scheme: 'https',
  host: 'api.example',
  port: 443,
  path: '/v1',
  status: 403,
  bytesOut: 10,
  bytesIn: 20,
  ms: 30,
  closeCode: 1008,
  finding: 'token/github-pat-classic',
  place: 'body',
  excerpt: '[40 bytes]',
  generation: 7,
}

describe('a line of the audit from a daemon', () => {
  it('is taken with every field that egress may fill in', () => {
    expect(decodeFromDaemon({ log: WHOLE })).toEqual({ log: WHOLE })
  })

  it('is refused with a field that is not known, or a value that is none', () => {
    for (const wrong of [{ other: 1 }, { place: 'elsewhere' }, { finding: 1 }, { decision: 'maybe' }])
      expect(() => decodeFromDaemon({ log: { ...WHOLE, ...wrong } })).toThrow()
  })
})

describe('counters from a daemon', () => {
  const counted = { route: 'a.test:443', allowed: 1, refused: { 'limit-rate': 2 }, bytesOut: 3, bytesIn: 4 }
  const answer = (routes: unknown) => ({
    id: 1,
    ok: true,
    value: { generation: 3, counters: { connections: 1, routes } },
  })

  it('are taken as whole numbers under names of rules', () => {
    expect(decodeFromDaemon(answer([counted]))).toEqual(answer([counted]))
  })

  it.each([
    ['a number that is none', { ...counted, allowed: Number.NaN }],
    ['a number below nothing', { ...counted, bytesOut: -1 }],
    ['a rule that is a text of somebody', { ...counted, refused: { 'x"} 1\n': 1 } }],
    ['a route that is too long', { ...counted, route: 'a'.repeat(301) }],
    ['a field that is not known', { ...counted, path: '/' }],
  ])('are refused with %s', (_, wrong) => {
    expect(() => decodeFromDaemon(answer([wrong]))).toThrow()
  })
})
