import { describe, expect, it } from 'vitest'
import { judgeAddress, type AddressRefusal, type Judging } from '../../../sidecars/uplink/addresses.ts'
import { parseAddress } from '../../../src/model/ip.ts'

const PLAIN: Judging = { allowPrivate: false, fixed: false, own: [], host: [] }
const judged = (address: string, judging: Partial<Judging> = {}): AddressRefusal | 'ok' => {
  const judgement = judgeAddress(address, { ...PLAIN, ...judging })
  return 'ok' in judgement ? 'ok' : judgement.refused
}

/** Address, what it is, and whether `allow_private` admits it. */
const NEVER: readonly (readonly [string, AddressRefusal])[] = [
  ['169.254.169.254', 'metadata'],
  ['169.254.170.2', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['192.0.0.192', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['2002:a9fe:a9fe::1', 'metadata'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::127.0.0.1', 'loopback'],
  ['::ffff:0:127.0.0.1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['2002:7f00:1::', 'loopback'],
  ['2001:0:7f00:1::', 'loopback'],
  // Teredo: server 8.8.8.8, client 127.0.0.1 with its bits inverted.
  ['2001:0:808:808:0:0:80ff:fffe', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['169.254.1.1', 'link-local'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'reserved'],
  ['192.0.0.1', 'reserved'],
  ['192.0.2.1', 'documentation'],
  ['198.51.100.1', 'documentation'],
  ['203.0.113.1', 'documentation'],
  ['2001:db8::1', 'documentation'],
  ['3fff::1', 'documentation'],
  ['198.18.0.1', 'benchmarking'],
  ['198.19.255.255', 'benchmarking'],
  ['2001:2::1', 'benchmarking'],
  ['192.88.99.1', 'reserved'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['100::1', 'reserved'],
  ['64:ff9b:1::1', 'reserved'],
  ['2001:10::1', 'reserved'],
  ['2001:20::1', 'reserved'],
  ['4000::1', 'reserved'],
  ['5f00::1', 'reserved'],
  ['::2:0:0', 'reserved'],
]

const PRIVATE = [
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '100.127.255.255',
  'fc00::1',
  'fdff::1',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
]
const PUBLIC = [
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '192.0.1.1',
  '198.17.0.1',
  '198.20.0.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
  '2002:808:808::1',
  '2001:4860:4860::8888',
]
const NOT_CANONICAL = [
  '',
  '127.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0',
  '127.0.0.01',
  '1.2.3.256',
  '1.2.3.4.5',
  ' 1.2.3.4',
  '1.2.3.4 ',
  'fe80::1%eth0',
  '127.0.0.1%lo',
  '1::2::3',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  '::1.2.3',
  'localhost',
  '[::1]',
  '１.1.1.1',
]

describe('addresses that nobody may open (PXY-05) (DNS-09)', () => {
  it.each(NEVER)('%s is %s, whatever the manifest says', (address, kind) => {
    expect(judged(address)).toBe(kind)
    expect(judged(address, { allowPrivate: true, fixed: true })).toBe(kind)
    expect(judged(address, { allowPrivate: true, fixed: true, host: [address] })).toBe(kind)
  })
})

describe('private addresses', () => {
  it.each(PRIVATE)('%s is refused unless the route says so', (address) => {
    expect(judged(address)).toBe('private')
    expect(judged(address, { fixed: true })).toBe('private')
    expect(judged(address, { allowPrivate: true })).toBe('ok')
  })
})

describe('public addresses', () => {
  it.each(PUBLIC)('%s may be dialled', (address) => {
    expect(judged(address)).toBe('ok')
  })
})

describe('own and host addresses (NET-19)', () => {
  it('an address of an own interface is refused always, in every form', () => {
    for (const address of ['172.20.0.2', '::ffff:172.20.0.2', '64:ff9b::ac14:2']) {
      expect(judged(address, { own: ['172.20.0.2'], allowPrivate: true, fixed: true })).toBe('own')
    }
    expect(judged('2606:4700::1', { own: ['2606:4700:0:0:0:0:0:1'] })).toBe('own')
  })
  it('a gateway or host address is refused unless it is fixed for the name and private is allowed', () => {
    const host = ['172.20.0.1', '8.8.4.4']
    expect(judged('172.20.0.1', { host })).toBe('host')
    expect(judged('172.20.0.1', { host, allowPrivate: true })).toBe('host')
    expect(judged('172.20.0.1', { host, fixed: true })).toBe('host')
    expect(judged('172.20.0.1', { host, fixed: true, allowPrivate: true })).toBe('ok')
    expect(judged('8.8.4.4', { host })).toBe('host')
    expect(judged('::ffff:8.8.4.4', { host })).toBe('host')
  })
})

describe('text that is no canonical address (PXY-03)', () => {
  it.each(NOT_CANONICAL)('“%s” is refused before any table', (text) => {
    expect(parseAddress(text)).toBeUndefined()
    expect(judged(text, { allowPrivate: true, fixed: true })).toBe('invalid')
  })
})

it('a refusal names the range and where it comes from', () => {
  expect(judgeAddress('::ffff:10.1.2.3', PLAIN)).toEqual({
    refused: 'private',
    words: '10.0.0.0/8: private, RFC 1918, in ::ffff:0:0/96: IPv4-mapped, RFC 4291',
  })
})
