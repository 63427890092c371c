/**
 * Which addresses may be dialled; the kinds are `src/model/ip.ts`'s. Only what is global unicast passes;
 * `allow_private` adds the private ranges and nothing else.
 */
import { addressKey, readAddress, type SpecialKind } from '../../src/model/ip.ts'
import { controls } from './controls.ts'

export interface Judging {
  /** The target says `allow_private: true`. */
  readonly allowPrivate: boolean
  /** The operator fixed this address for exactly this name (manifest `uplink.hosts`). */
  readonly fixed: boolean
  /** Addresses of the uplink's own interfaces. */
  readonly own: readonly string[]
  /** Addresses of its gateways and of the host machine. */
  readonly host: readonly string[]
}

export type AddressRefusal = SpecialKind | 'invalid' | 'own' | 'host'

export type Judgement = { readonly ok: true } | { readonly refused: AddressRefusal; readonly words: string }

/** Judges one literal address. Order: what nobody may open comes before what the operator may. */
export function judgeAddress(address: string, judging: Judging): Judgement {
  const readings = readAddress(address)
  if (readings === undefined) return { refused: 'invalid', words: 'not an IP address in canonical form' }
  if (!controls.on('address-judging')) return { ok: true }
  const own = new Set(judging.own.map(addressKey))
  const host = new Set(judging.host.map(addressKey))
  for (const { version, value, special } of readings) {
    const found = special && { refused: special.kind, words: special.words }
    if (found?.refused === 'metadata' && controls.on('metadata')) return found
    if (found !== undefined && found.refused !== 'private' && found.refused !== 'metadata') return found
    if (controls.on('own-addresses')) {
      const key = `${version}:${value}`
      if (own.has(key)) return { refused: 'own', words: 'an address of the uplink itself' }
      if (host.has(key) && !(judging.fixed && judging.allowPrivate)) {
        return { refused: 'host', words: 'an address of the host machine or of a gateway' }
      }
    }
    if (found?.refused === 'private' && !judging.allowPrivate) return found
  }
  return { ok: true }
}
