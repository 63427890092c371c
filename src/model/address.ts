/** Addresses: how people, plans, labels and the journal name one resource (`kind/…`). */
import { isName } from './names.ts'

export const KINDS = [
  'image',
  'uplink',
  'ca',
  'bottle',
  'bundle',
  'key',
  'route',
  'remote',
  'guest',
  'grant',
] as const
export type Kind = (typeof KINDS)[number]

declare const addressBrand: unique symbol
export type Address = string & { readonly [addressBrand]: true }

export type AddressParts =
  | { readonly kind: 'uplink' }
  | { readonly kind: 'image'; readonly name: string }
  | { readonly kind: 'ca' | 'bottle' | 'bundle' | 'guest'; readonly bottle: string }
  | { readonly kind: 'route' | 'remote' | 'key' | 'grant'; readonly bottle: string; readonly name: string }

const made = (text: string): Address => text as Address

export const address = {
  uplink: () => made('uplink'),
  /** `image/sidecars`, `image/<definition>`, `image/<a>+<b>`, `image/<NAME of a ready image>`. */
  image: (name: string) => made(`image/${name}`),
  ca: (bottle: string) => made(`ca/${bottle}`),
  bottle: (bottle: string) => made(`bottle/${bottle}`),
  bundle: (bottle: string) => made(`bundle/${bottle}`),
  guest: (bottle: string) => made(`guest/${bottle}`),
  /** `port` appears only where it is not the scheme's own. */
  route: (bottle: string, host: string, port?: number) =>
    made(`route/${bottle}/${host}${port === undefined ? '' : `:${port}`}`),
  remote: (bottle: string, name: string) => made(`remote/${bottle}/${name}`),
  key: (bottle: string, name: string) => made(`key/${bottle}/${name}`),
} as const

/** The parts of an address, or `undefined` when the text is none. The only parse point for addresses. */
export function parseAddress(
  text: string,
): { readonly address: Address; readonly parts: AddressParts } | undefined {
  const parts = split(text)
  return parts && { address: made(text), parts }
}

function split(text: string): AddressParts | undefined {
  if (text === 'uplink') return { kind: 'uplink' }
  const [kind, first, ...rest] = text.split('/')
  if (!first) return undefined
  switch (kind) {
    case 'image':
      return { kind, name: [first, ...rest].join('/') }
    case 'ca':
    case 'bottle':
    case 'bundle':
    case 'guest':
      return rest.length === 0 && isName(first) ? { kind, bottle: first } : undefined
    case 'route':
    case 'remote':
    case 'key':
    case 'grant':
      return rest.length === 1 && rest[0] && isName(first)
        ? { kind, bottle: first, name: rest[0] }
        : undefined
    default:
      return undefined
  }
}

export function kindOf(resource: Address): Kind {
  return resource.split('/', 1)[0] as Kind
}

/** The address, where the text is one of this kind. */
export function isAddressOf(kind: Kind, text: string): Address | undefined {
  const parsed = parseAddress(text)
  return parsed?.parts.kind === kind ? parsed.address : undefined
}

/** The live bottle an address belongs to; `undefined` for `uplink` and images. */
export function bottleOf(resource: Address): string | undefined {
  const parts = split(resource)
  return parts && 'bottle' in parts ? parts.bottle : undefined
}
