/**
 * What can be known of a token beyond its shape: checksums that vendors document, and encodings that must decode. Each
 * says whether a text that has the shape can be a token at all, so each errs towards yes.
 */

export const CHECKSUMS = {
  'crc32-base62': endsInCrc32,
  'aws-key-id': namesAwsAccount,
  bech32: isBech32,
  'base64-json': hasJsonInBase64,
  'basic-credentials': isBasicCredentials,
  'discord-id': beginsWithDiscordId,
  jwt: hasJoseHeader,
  'private-key': beginsAsPrivateKey,
} as const satisfies Readonly<Record<string, (text: string) => boolean>>

export type Checksum = keyof typeof CHECKSUMS

export const isChecksum = (name: string): name is Checksum => Object.hasOwn(CHECKSUMS, name)

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

/** Six digits of base62 after the last `_` and the random part: its CRC-32 (GitHub since 2021, npm). */
function endsInCrc32(text: string): boolean {
  const body = text.slice(text.lastIndexOf('_') + 1)
  return crc32Base62(body.slice(0, -6)) === body.slice(-6)
}

export function crc32Base62(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let place = 0; place < 6; place++) {
    digits = (BASE62[rest % 62] ?? '') + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

export function crc32(text: string): number {
  let crc = ~0
  for (let index = 0; index < text.length; index++) {
    crc ^= text.charCodeAt(index)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1))
  }
  return ~crc >>> 0
}

/** Key ids since 2019 hold their account, twelve decimal digits, in base32; older ones begin with I or J. */
function namesAwsAccount(text: string): boolean {
  if (text[4] === 'I' || text[4] === 'J') return true
  let bits = 0n
  for (const sign of text.slice(4, 14)) bits = (bits << 5n) | BigInt(Math.max(0, BASE32.indexOf(sign)))
  const account = (bits >> 9n) & 0xff_ffff_ffffn
  return account <= 999_999_999_999n
}

/** BIP 173, as age writes its identities: one case, data in 32 signs, six of them a checksum. */
function isBech32(text: string): boolean {
  const lower = text.toLowerCase()
  const separator = lower.lastIndexOf('1')
  const digits = Array.from(lower.slice(separator + 1), (sign) => BECH32.indexOf(sign))
  return !digits.includes(-1) && bech32Polymod([...bech32Prefix(lower.slice(0, separator)), ...digits]) === 1
}

const BECH32M = 0x2bc830a3

/** BIP 173 and BIP 350: an address of Bitcoin. */
export function isBech32Address(text: string): boolean {
  const separator = text.lastIndexOf('1')
  const digits = Array.from(text.slice(separator + 1), (sign) => BECH32.indexOf(sign))
  const sum = bech32Polymod([...bech32Prefix(text.slice(0, separator)), ...digits])
  return !digits.includes(-1) && sum === (digits[0] === 0 ? 1 : BECH32M)
}

/** The six signs that make a prefix and data whole. */
export function bech32Checksum(prefix: string, data: string): string {
  const digits = [...data].map((sign) => BECH32.indexOf(sign))
  const remainder = bech32Polymod([...bech32Prefix(prefix), ...digits, 0, 0, 0, 0, 0, 0]) ^ 1
  return Array.from({ length: 6 }, (_, place) => BECH32[(remainder >>> (5 * (5 - place))) & 31]).join('')
}

function bech32Prefix(prefix: string): readonly number[] {
  const codes = [...prefix].map((sign) => sign.charCodeAt(0))
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
}

function bech32Polymod(digits: readonly number[]): number {
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  let sum = 1
  for (const digit of digits) {
    const top = sum >>> 25
    sum = ((sum & 0x1ffffff) << 5) ^ digit
    generators.forEach((generator, bit) => {
      if ((top >>> bit) & 1) sum ^= generator
    })
  }
  return sum >>> 0
}

/** RFC 7515: the first part is an object in JSON with an `alg`. */
function hasJoseHeader(text: string): boolean {
  const header = decoded(text.slice(0, text.indexOf('.')))
  if (!header.trimStart().startsWith('{')) return false
  try {
    const parsed: unknown = JSON.parse(header)
    return typeof parsed === 'object' && parsed !== null && 'alg' in parsed && typeof parsed.alg === 'string'
  } catch {
    return false
  }
}

/** After the last prefix sign, base64 of text that begins as an object in JSON does. */
function hasJsonInBase64(text: string): boolean {
  return /^\{"[a-zA-Z0-9_]{1,20}":/.test(decoded(text.slice(text.indexOf('_') + 1).slice(0, 40)))
}

/** RFC 7617: user, colon, password, in UTF-8 without control characters. */
function isBasicCredentials(text: string): boolean {
  const bytes = Buffer.from(text, 'base64url')
  const colon = bytes.indexOf(':')
  return colon >= 0 && colon < bytes.length - 1 && isUtf8(bytes) && !/\p{Cc}/u.test(bytes.toString('utf8'))
}

/** The first part is the bot's number, 17 to 20 decimal digits, in base64. */
function beginsWithDiscordId(text: string): boolean {
  return /^[0-9]{17,20}$/.test(decoded(text.slice(0, text.indexOf('.'))))
}

/** The first line of a body in PEM: a sequence in DER that begins with a version or another sequence, or an OpenSSH key. */
function beginsAsPrivateKey(text: string): boolean {
  if (text.startsWith('Proc-Type')) return true
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('latin1', 0, 14) === 'openssh-key-v1') return true
  const [tag = 0, length = 0] = bytes
  if (tag !== 0x30) return false
  const content = bytes[length < 0x80 ? 2 : 2 + (length & 0x7f)]
  return content === 0x02 || content === 0x30
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64url').toString('latin1')
}

/** Bits per byte, by how often each byte stands in the first bytes of the text: enough to tell, and no more work for more. */
export function entropy(text: string): number {
  const length = Math.min(text.length, LOOKED_AT)
  const counts = new Uint8Array(256)
  for (let index = 0; index < length; index++) {
    const byte = text.charCodeAt(index) & 0xff
    counts[byte] = (counts[byte] ?? 0) + 1
  }
  let sum = 0
  for (let index = 0; index < length; index++) {
    const byte = text.charCodeAt(index) & 0xff
    sum += WEIGHTS[counts[byte] ?? 0] ?? 0
    counts[byte] = 0
  }
  return Math.log2(length) - sum / length
}

const LOOKED_AT = 128
/** n · log2 n. */
const WEIGHTS = Float64Array.from({ length: LOOKED_AT + 1 }, (_, count) =>
  count < 2 ? 0 : count * Math.log2(count),
)
