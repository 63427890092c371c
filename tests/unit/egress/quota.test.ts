import { expect, test } from 'vitest'
import { Quotas } from '../../../sidecars/egress/exchange/quota.ts'
import { Refuse } from '../../../sidecars/egress/exchange/request.ts'
import type { Limits, RoutePolicy } from '../../../src/model/policy.ts'
import type { Spent } from '../../../sidecars/supervisor/ipc.ts'
import { route } from './lab.ts'

const limited = (limits: Limits): RoutePolicy => route({ limits })
const said = (step: () => void): string => {
  try {
    step()
    return 'allowed'
  } catch (error) {
    return error instanceof Refuse ? error.rule : String(error)
  }
}

test('bytes out are counted over a day of UTC, all requests of a route together', () => {
  let now = Date.parse('2026-05-01T23:00:00Z')
  const quotas = new Quotas(() => now)
  const policy = limited({ bytesOutPerDay: 10 })
  expect(said(() => quotas.count(policy, 6, 6))).toBe('allowed')
  expect(said(() => quotas.admit(policy, 5))).toBe('limit-bytes-out')
  expect(said(() => quotas.admit(policy, 4))).toBe('allowed')
  expect(said(() => quotas.count(policy, 5, 5))).toBe('limit-bytes-out')
  now = Date.parse('2026-05-02T00:00:00Z')
  expect(said(() => quotas.admit(policy, 10))).toBe('allowed')
})

test('bytes of one route are not those of another', () => {
  const quotas = new Quotas(() => 0)
  expect(said(() => quotas.count(limited({ bytesOutPerDay: 10 }), 10, 10))).toBe('allowed')
  expect(said(() => quotas.admit({ ...limited({ bytesOutPerDay: 10 }), port: 8443 }, 10))).toBe('allowed')
})

test('a changed limit counts what went before', () => {
  const quotas = new Quotas(() => 0)
  quotas.count(limited({ bytesOutPerDay: 100 }), 50, 50)
  expect(said(() => quotas.admit(limited({ bytesOutPerDay: 40 }), 0))).toBe('limit-bytes-out')
})

test('a rate allows a burst of its own size and fills up again', () => {
  let now = 0
  const quotas = new Quotas(() => now)
  const policy = limited({ requestsPerSecond: 2 })
  const ask = (): string => said(() => quotas.admit(policy, 0))
  expect([ask(), ask(), ask()]).toEqual(['allowed', 'allowed', 'limit-rate'])
  now = 500
  expect([ask(), ask()]).toEqual(['allowed', 'limit-rate'])
})

test('a rate below one in a second still lets the first request pass', () => {
  let now = 0
  const quotas = new Quotas(() => now)
  const policy = limited({ requestsPerSecond: 1 / 60 })
  const ask = (): string => said(() => quotas.admit(policy, 0))
  expect([ask(), ask()]).toEqual(['allowed', 'limit-rate'])
  now = 60_001
  expect(ask()).toBe('allowed')
})

test('bytes are told before they are sent, in few steps, and never less than were', () => {
  const told: Spent[] = []
  const quotas = new Quotas(
    () => 0,
    (spent) => told.push(spent),
  )
  const policy = limited({ bytesOutPerDay: 64_000 })
  for (let sent = 100; sent <= 64_000; sent += 100) {
    quotas.count(policy, 100, sent)
    expect(told.at(-1)?.bytes).toBeGreaterThanOrEqual(sent)
  }
  expect(told.length).toBeLessThanOrEqual(64)
  expect(told[0]).toEqual({ route: 'allowed.test:443', day: 0, bytes: 1100 })
})

test('what earlier lives of the daemon used up is used up, on its day only', () => {
  let now = 0
  const told: Spent[] = []
  const policy = limited({ bytesOutPerDay: 1000 })
  new Quotas(
    () => now,
    (spent) => told.push(spent),
  ).count(policy, 900, 900)
  const next = new Quotas(() => now)
  next.restore(told)
  expect(said(() => next.admit(policy, 100))).toBe('limit-bytes-out')
  expect(said(() => next.admit(policy, 85))).toBe('allowed')
  next.restore([{ route: 'allowed.test:443', day: 0, bytes: 1 }])
  expect(said(() => next.admit(policy, 100))).toBe('limit-bytes-out')
  now = 86_400_000
  expect(said(() => next.admit(policy, 1000))).toBe('allowed')
  const late = new Quotas(() => now)
  late.restore(told)
  expect(said(() => late.admit(policy, 1000))).toBe('allowed')
})
