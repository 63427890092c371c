import { describe, expect, test } from 'vitest'
import { metricsOf } from '../../../src/drivers/docker/metrics.ts'

const route = {
  route: '*.api.test:8443',
  allowed: 1,
  refused: { 'limit-rate': 2 },
  bytesOut: 3,
  bytesIn: 4,
}
const told = (egress: unknown) => ({
  startedAt: '2026-01-01T00:00:00.000Z',
  daemons: { egress: { state: 'running', startedAt: '2026-01-01T00:00:00.000Z', restarts: 1, egress } },
})

describe('what a supervisor answers to `metrics`', () => {
  test('is taken as it is where it is whole', () => {
    const answer = told({ connections: 0, routes: [route, { ...route, route: 'undeclared' }] })
    expect(metricsOf(answer)).toEqual(answer)
  })

  test.each([
    ['a host with a quote', { ...route, route: 'a"} 1\nx{b="c:443' }],
    ['a rule with a line end', { ...route, refused: { 'a\nb': 1 } }],
    ['a number that is none', { ...route, allowed: '1' }],
    ['a number below nothing', { ...route, bytesIn: -1 }],
    ['a number that no counter reaches', { ...route, bytesIn: 2 ** 60 }],
  ])('is unknown, not a part of it, with %s', (_, wrong) => {
    const found = metricsOf(told({ connections: 0, routes: [route, wrong] }))
    expect(found?.daemons.egress).toMatchObject({ state: 'running', restarts: 1 })
    expect(found?.daemons.egress).not.toHaveProperty('egress')
  })

  test.each([[null], ['text'], [{}], [{ startedAt: 1, daemons: {} }], [{ startedAt: '' }]])(
    'is none where it is %j',
    (value) => expect(metricsOf(value)).toBeUndefined(),
  )
})
