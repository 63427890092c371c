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
