/**
 * What kind of address a literal IP address is. Own table (libraries know other ranges), pure; each range with its
 * source: IANA special-purpose registries (RFC 6890) and the documents they name. A form that carries IPv4 addresses
 * is of their kind too. Who may dial which kind is decided by whoever asks.
 */

/** Anything but plain global unicast. */
export type SpecialKind =
  | 'metadata'
  | 'loopback'
  | 'unspecified'
  | 'link-local'
  | 'multicast'
  | 'reserved'
  | 'documentation'
  | 'benchmarking'
  | 'private'

export interface Reading {
  readonly version: 4 | 6
  readonly value: bigint
  /** Absent: global unicast. `words`: the range and its source. */
  readonly special?: { readonly kind: SpecialKind; readonly words: string }
}

interface Range {
  readonly prefix: bigint
  readonly bits: number
  readonly kind: SpecialKind
  readonly words: string
}

const V4 = ranges(32, [
  ['169.254.169.254/32', 'metadata', 'metadata service'],
  ['169.254.170.2/32', 'metadata', 'metadata service (ECS)'],
  ['100.100.100.200/32', 'metadata', 'metadata service (Alibaba)'],
  ['192.0.0.192/32', 'metadata', 'metadata service (Oracle)'],
  ['168.63.129.16/32', 'metadata', 'metadata service (Azure)'],
  ['0.0.0.0/8', 'unspecified', 'this network, RFC 791'],
  ['127.0.0.0/8', 'loopback', 'loopback, RFC 1122'],
  ['169.254.0.0/16', 'link-local', 'link-local, RFC 3927'],
  ['10.0.0.0/8', 'private', 'private, RFC 1918'],
  ['172.16.0.0/12', 'private', 'private, RFC 1918'],
  ['192.168.0.0/16', 'private', 'private, RFC 1918'],
  ['100.64.0.0/10', 'private', 'shared address space, RFC 6598'],
  ['192.0.0.0/24', 'reserved', 'protocol assignments, RFC 6890'],
  ['192.0.2.0/24', 'documentation', 'documentation, RFC 5737'],
  ['198.51.100.0/24', 'documentation', 'documentation, RFC 5737'],
  ['203.0.113.0/24', 'documentation', 'documentation, RFC 5737'],
  ['192.88.99.0/24', 'reserved', '6to4 relay, RFC 7526'],
  ['198.18.0.0/15', 'benchmarking', 'benchmarking, RFC 2544'],
  ['224.0.0.0/4', 'multicast', 'multicast, RFC 5771'],
  ['240.0.0.0/4', 'reserved', 'reserved and broadcast, RFC 1112 and RFC 919'],
])

const V6 = ranges(128, [
  ['fd00:ec2::/32', 'metadata', 'metadata service (EC2)'],
  ['fd20:ce::254/128', 'metadata', 'metadata service (GCE)'],
  ['::/128', 'unspecified', 'unspecified, RFC 4291'],
  ['::1/128', 'loopback', 'loopback, RFC 4291'],
  ['fe80::/10', 'link-local', 'link-local, RFC 4291'],
  ['fec0::/10', 'reserved', 'site-local, RFC 3879'],
  ['fc00::/7', 'private', 'unique local, RFC 4193'],
  ['ff00::/8', 'multicast', 'multicast, RFC 4291'],
  ['2001:db8::/32', 'documentation', 'documentation, RFC 3849'],
  ['3fff::/20', 'documentation', 'documentation, RFC 9637'],
  ['2001:2::/48', 'benchmarking', 'benchmarking, RFC 5180'],
  ['2001::/23', 'reserved', 'protocol assignments, RFC 2928'],
  ['2620:4f:8000::/48', 'reserved', 'AS112, RFC 7534'],
])

/** The only unicast space that is given out (RFC 4291, IANA IPv6 address space). */
const V6_GLOBAL = ranges(128, [['2000::/3', 'reserved', 'outside global unicast, RFC 4291']])

/** Where a form carries IPv4 addresses: bits to shift right, and whether they are inverted (Teredo's client). */
const EMBEDDINGS: readonly {
  readonly range: Range
  readonly at: readonly { readonly shift: bigint; readonly inverted?: true }[]
}[] = [
  embedding('::ffff:0:0/96', 'IPv4-mapped, RFC 4291', [{ shift: 0n }]),
  embedding('::ffff:0:0:0/96', 'IPv4-translated, RFC 2765', [{ shift: 0n }]),
  embedding('::/96', 'IPv4-compatible, RFC 4291', [{ shift: 0n }]),
  embedding('64:ff9b::/96', 'NAT64, RFC 6052', [{ shift: 0n }]),
  embedding('2002::/16', '6to4, RFC 3056', [{ shift: 80n }]),
  embedding('2001::/32', 'Teredo, RFC 4380', [{ shift: 64n }, { shift: 0n, inverted: true }]),
]

/**
 * The address itself and before it every IPv4 address that it carries; `undefined`: no IP address in canonical form.
 * The first special one says best what the address is.
 */
export function readAddress(address: string): readonly Reading[] | undefined {
  const parsed = parseAddress(address)
  return (
    parsed &&
    [...embedded(parsed), parsed].map(({ version, value, words }) => {
      const range = rangeOf(version, value)
      if (range === undefined) return { version, value }
      const said = words === '' ? range.words : `${range.words}, in ${words}`
      return { version, value, special: { kind: range.kind, words: said } }
    })
  )
}

/** The same for every spelling of an address, also for IPv4 inside IPv6; what is no address stands for itself. */
export function addressKey(address: string): string {
  const [inner] = readAddress(address) ?? []
  return inner === undefined ? address : `${inner.version}:${inner.value}`
}

interface Parsed {
  readonly version: 4 | 6
  readonly value: bigint
  /** The form it was carried in; empty: itself. */
  readonly words: string
}

function rangeOf(version: 4 | 6, value: bigint): Range | undefined {
  if (version === 4) return V4.find((range) => contains(range, 32, value))
  if (EMBEDDINGS.some(({ range }) => contains(range, 128, value)) && value > 1n) return undefined
  return (
    V6.find((range) => contains(range, 128, value)) ?? V6_GLOBAL.find((range) => !contains(range, 128, value))
  )
}

function embedded(parsed: Parsed): readonly Parsed[] {
  if (parsed.version === 4 || parsed.value <= 1n) return []
  const form = EMBEDDINGS.find(({ range }) => contains(range, 128, parsed.value))
  return (form?.at ?? []).map(({ shift, inverted }) => {
    const bits = (parsed.value >> shift) & 0xffff_ffffn
    return {
      version: 4,
      value: inverted === true ? bits ^ 0xffff_ffffn : bits,
      words: form?.range.words ?? '',
    }
  })
}

function contains(range: Range, width: number, value: bigint): boolean {
  return value >> BigInt(width - range.bits) === range.prefix
}

/** Dotted quads without leading zeros, and RFC 4291 text without a zone; anything else is no address. */
export function parseAddress(text: string): Parsed | undefined {
  if (text.includes(':')) {
    const value = parseV6(text)
    return value === undefined ? undefined : { version: 6, value, words: '' }
  }
  const value = parseV4(text)
  return value === undefined ? undefined : { version: 4, value, words: '' }
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n)
}

function parseV6(text: string): bigint | undefined {
  const lastColon = text.lastIndexOf(':')
  const tail = text.slice(lastColon + 1)
  if (tail.includes('.')) {
    const v4 = parseV4(tail)
    if (v4 === undefined) return undefined
    return parseV6(
      `${text.slice(0, lastColon + 1)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`,
    )
  }
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - left.length - right.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}

function ranges(
  width: number,
  rows: readonly (readonly [cidr: string, kind: SpecialKind, words: string])[],
): readonly Range[] {
  return rows.map(([cidr, kind, words]) => {
    const [address = '', length = ''] = cidr.split('/')
    const bits = Number(length)
    const value = parseAddress(address)?.value
    if (value === undefined) throw new Error(`${cidr} is no range`)
    return { prefix: value >> BigInt(width - bits), bits, kind, words: `${cidr}: ${words}` }
  })
}

function embedding(
  cidr: string,
  words: string,
  at: (typeof EMBEDDINGS)[number]['at'],
): (typeof EMBEDDINGS)[number] {
  const [range] = ranges(128, [[cidr, 'reserved', words]])
  if (range === undefined) throw new Error(`${cidr} is no range`)
  return { range, at }
}
