/** Addresses that are the uplink's own, or its gateways': read again at each judgement, because networks are attached while it runs. */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

export interface OwnAddresses {
  readonly interfaces: readonly string[]
  readonly gateways: readonly string[]
}

export function ownAddresses(): OwnAddresses {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  )
  return {
    interfaces,
    gateways: [...gatewaysV4(read('/proc/net/route')), ...gatewaysV6(read('/proc/net/ipv6_route'))],
  }
}

/** Third column, little-endian hex; the first line is a heading. */
export function gatewaysV4(table: string): readonly string[] {
  const gateways = table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t')[2] ?? '')
  return [...new Set(gateways)]
    .filter((hex) => /^[0-9A-F]{8}$/.test(hex) && hex !== '00000000')
    .map((hex) => [...Buffer.from(hex, 'hex').reverse()].join('.'))
}

/** Fifth column, 32 hex digits. */
export function gatewaysV6(table: string): readonly string[] {
  const gateways = table.split('\n').map((line) => line.split(/\s+/)[4] ?? '')
  return [...new Set(gateways)]
    .filter((hex) => /^[0-9a-f]{32}$/.test(hex) && !/^0+$/.test(hex))
    .map((hex) => (hex.match(/.{4}/g) ?? []).join(':'))
}

/** Without the table there is no such gateway: `/proc` is always mounted, IPv6 may be off. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
