import { describe, expect, it } from 'vitest'
import { isHostName, matchesSuffix, targetFor } from '../../../sidecars/uplink/names.ts'
import { gatewaysV4, gatewaysV6 } from '../../../sidecars/uplink/own.ts'
import { parseProxy } from '../../../sidecars/uplink/proxy.ts'

describe('names', () => {
  it.each(['allowed.test', 'a', 'xn--e1afmkfd.test', 'a_b.test', '1password.com', '8.8.8.8.example'])(
    '%s is one',
    (name) => {
      expect(isHostName(name)).toBe(true)
    },
  )
  it.each([
    '',
    '.',
    'a.',
    'a..b',
    'A.test',
    '-a.test',
    'a-.test',
    '127.1',
    '10.0.0.1',
    '0x7f000001',
    '2130706433',
    'a b',
    'a/b',
    'a%2e',
    'а.test',
    '[::1]',
    '*.test',
    'a\n',
    `${'a'.repeat(64)}.test`,
  ])('(PXY-13) “%s” is none', (name) => {
    expect(isHostName(name)).toBe(false)
  })
})

describe('targets', () => {
  const targets = [
    { host: '*.allowed.test', port: 443, allowPrivate: false },
    { host: 'x.allowed.test', port: 443, allowPrivate: true },
  ]
  it('a wildcard admits exactly one label more', () => {
    expect(targetFor(targets, 'y.allowed.test', 443)).toBe(targets[0])
    expect(targetFor(targets, 'allowed.test', 443)).toBeUndefined()
    expect(targetFor(targets, 'a.y.allowed.test', 443)).toBeUndefined()
  })
  it('an exact name beats a wildcard, and the port counts', () => {
    expect(targetFor(targets, 'x.allowed.test', 443)).toBe(targets[1])
    expect(targetFor(targets, 'x.allowed.test', 80)).toBeUndefined()
  })
})

it('a suffix with a dot is every name below it, without one that name alone', () => {
  expect(matchesSuffix('a.corp.test', ['.corp.test'])).toBe(true)
  expect(matchesSuffix('corp.test', ['.corp.test'])).toBe(false)
  expect(matchesSuffix('evilcorp.test', ['corp.test'])).toBe(false)
  expect(matchesSuffix('corp.test', ['corp.test'])).toBe(true)
})

it('gateways are read from the kernel’s tables', () => {
  const v4 =
    'Iface\tDestination\tGateway\tFlags\neth0\t00000000\t010014AC\t0003\neth0\t000014AC\t00000000\t0001\n'
  expect(gatewaysV4(v4)).toEqual(['172.20.0.1'])
  const v6 = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe800000000000000000000000000001 00000400 00000000 00000000 00000003 eth0\n`
  expect(gatewaysV6(v6)).toEqual(['fe80:0000:0000:0000:0000:0000:0000:0001'])
})

it('a site proxy is http://host:port and nothing more', () => {
  expect(parseProxy('http://proxy.test:3128')).toEqual({ host: 'proxy.test', port: 3128 })
  expect(parseProxy('http://[fd00::1]:3128/')).toEqual({ host: 'fd00::1', port: 3128 })
  for (const text of [
    'https://proxy.test',
    'http://user:pass@proxy.test',
    'http://proxy.test/x',
    'http://proxy.test:99999',
    'proxy.test',
  ]) {
    expect(parseProxy(text)).toBeUndefined()
  }
})
