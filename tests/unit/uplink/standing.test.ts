import { describe, expect, it } from 'vitest'
import type { UplinkPolicy } from '../../../src/model/policy.ts'
import { standsUnder, type Standing } from '../../../sidecars/uplink/standing.ts'
import { NO_POLICY, target } from './cases.ts'

const OWN = { interfaces: ['172.20.0.2'], gateways: ['172.20.0.1'] }
const DNS = ['10.0.0.53']
const PROXY = 'http://proxy.corp.test:3128'

const fixed: Standing = { host: 'fixed.test', state: { address: '10.9.0.1' } }
const resolved: Standing = { host: 'named.test', state: { address: '8.8.8.8', dns: DNS } }
const proxied: Standing = { host: 'far.test', state: { address: '10.0.0.8', proxy: PROXY, dns: DNS } }

const policy = (change: Partial<UplinkPolicy> = {}): UplinkPolicy => ({
  ...NO_POLICY,
  hosts: { 'fixed.test': '10.9.0.1' },
  dns: DNS,
  ...change,
})
const stands = (passage: Standing, change: Partial<UplinkPolicy> = {}, allowPrivate = true): boolean =>
  standsUnder(policy(change), OWN)(passage, target(passage.host, 443, allowPrivate))

describe('a connection stands', () => {
  it('under the policy it was opened under', () => {
    expect(stands(fixed)).toBe(true)
    expect(stands(resolved)).toBe(true)
    expect(stands(proxied, { proxy: PROXY })).toBe(true)
  })

  it('where something else changed', () => {
    expect(stands(fixed, { dns: ['10.0.0.54'], proxy: PROXY, hostAddresses: ['10.1.1.1'] })).toBe(true)
    expect(stands(resolved, { proxy: PROXY, noProxy: ['.test'] })).toBe(true)
    expect(stands(resolved, { hosts: { 'named.test': '8.8.8.8' }, dns: [] })).toBe(true)
    expect(stands(proxied, { proxy: PROXY, hostAddresses: ['10.0.0.8'], noProxy: ['named.test'] })).toBe(true)
  })
})

describe('a connection does not stand', () => {
  it('where its name leads elsewhere', () => {
    expect(stands(fixed, { hosts: { 'fixed.test': '10.9.0.2' } })).toBe(false)
    expect(stands(fixed, { hosts: {} })).toBe(false)
    expect(stands(resolved, { hosts: { 'named.test': '8.8.4.4' } })).toBe(false)
    expect(stands(resolved, { dns: ['10.0.0.54'] })).toBe(false)
    expect(stands(proxied, { proxy: PROXY, dns: [] })).toBe(false)
  })

  it('where it would take another way', () => {
    expect(stands(resolved, { proxy: PROXY })).toBe(false)
    expect(stands(proxied)).toBe(false)
    expect(stands(proxied, { proxy: 'http://other.corp.test:3128' })).toBe(false)
    expect(stands(proxied, { proxy: PROXY, noProxy: ['far.test'] })).toBe(false)
    expect(stands(proxied, { proxy: PROXY, hosts: { 'far.test': '10.0.0.8' } })).toBe(false)
  })

  it('where its address is refused now', () => {
    expect(stands(resolved, { hostAddresses: ['8.8.8.8'] })).toBe(false)
    expect(stands(fixed, {}, false)).toBe(false)
    expect(stands({ host: 'named.test', state: { address: '172.20.0.1', dns: DNS } })).toBe(false)
    // The operator fixed it for this name and accepts private ones.
    expect(stands(fixed, { hostAddresses: ['10.9.0.1'] })).toBe(true)
  })
})

it('while it has no address yet, any change of the policy, and taking back allow_private, ends it', () => {
  const opening = (allowPrivate: boolean): Standing => ({
    host: 'named.test',
    state: { policy: policy(), allowPrivate },
  })
  expect(stands(opening(true))).toBe(true)
  expect(stands(opening(true), {}, false)).toBe(false)
  expect(stands(opening(false), {}, false)).toBe(true)
  expect(stands(opening(false), { hostAddresses: ['10.1.1.1'] })).toBe(false)
})
