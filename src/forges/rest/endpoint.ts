/**
 * Where a forge's API is, and which of its addresses may be dialled (containment.md, SPP-15): judged before the dial,
 * and what was judged is what is dialled. https, or http to this machine; private and loopback addresses only with
 * `allow_private`; metadata services and everything that is not unicast never.
 */
import { lookup } from 'node:dns/promises'
import { readAddress } from '../../model/ip.ts'
import type { Reading } from '../../model/ip.ts'

export interface Endpoint {
  readonly secure: boolean
  /** A name, or a literal address without brackets. */
  readonly host: string
  readonly port: number
  /** Path of the API, without a slash at its end. */
  readonly base: string
}

/** Why a URL or an address is not used, in words. */
export interface Refusal {
  readonly refused: string
}

export function readEndpoint(api: string): Endpoint | Refusal {
  if (!URL.canParse(api)) return { refused: 'it is not a URL' }
  const { protocol, hostname, port, pathname, username, password, search, hash } = new URL(api)
  if (protocol !== 'https:' && protocol !== 'http:') return { refused: 'it is neither https nor http' }
  if (username !== '' || password !== '') return { refused: 'it carries a user or a password' }
  if (search !== '' || hash !== '') return { refused: 'it carries a query or a fragment' }
  const secure = protocol === 'https:'
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (!secure && host !== 'localhost' && !isLoopback(host))
    return { refused: 'the token would be sent over http, where everybody on the way reads it' }
  return {
    secure,
    host,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    base: pathname.replace(/\/+$/, ''),
  }
}

/** The addresses of a name as this machine's resolver has them; a literal is its own. */
export async function resolveEndpoint({ host }: Endpoint): Promise<readonly string[]> {
  if (readAddress(host) !== undefined) return [host]
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

/** Those that may be dialled, or why none may. */
export function judgeAddresses(
  addresses: readonly string[],
  { secure, allowPrivate }: { readonly secure: boolean; readonly allowPrivate: boolean },
): readonly string[] | Refusal {
  const judged = addresses.map((address) => ({ address, refused: refusalOf(address, secure, allowPrivate) }))
  const fit = judged.filter(({ refused }) => refused === undefined).map(({ address }) => address)
  if (fit.length > 0) return fit
  return { refused: judged.map(({ address, refused }) => `${address} (${refused})`).join(', ') }
}

function refusalOf(address: string, secure: boolean, allowPrivate: boolean): string | undefined {
  const readings = readAddress(address)
  if (readings === undefined) return 'not an IP address'
  const allowed = (kind: string) => allowPrivate && (kind === 'private' || kind === 'loopback')
  const barred = readings.find(({ special }) => special !== undefined && !allowed(special.kind))
  if (barred?.special !== undefined) return barred.special.words
  if (!secure && !readings.some(isLoopbackReading)) return 'http, and not on this machine'
  return undefined
}

function isLoopback(host: string): boolean {
  return readAddress(host)?.some(isLoopbackReading) ?? false
}

const isLoopbackReading = ({ special }: Reading): boolean => special?.kind === 'loopback'
