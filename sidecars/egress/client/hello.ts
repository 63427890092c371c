/**
 * The ClientHello, parsed before anything is dialled or minted: a tunnel exists only for one. Strict: whole records,
 * one server name, no extension twice, nothing left over (RFC 8446, 4.1.2; RFC 6066, 3).
 */
import { HELLO_MAX, HELLO_RECORDS_MAX } from '../../http/limits.ts'

export interface Hello {
  /** As the client wrote it; absent where it names nobody. */
  readonly serverName?: string
  /** Extension 0xfe0d. Real and GREASE cannot be told apart from outside. */
  readonly encryptedHello: boolean
}

export type HelloState =
  | { readonly state: 'partial' }
  | { readonly state: 'invalid' }
  | { readonly state: 'hello'; readonly hello: Hello }

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const ENCRYPTED_CLIENT_HELLO = 0xfe0d
const invalid = { state: 'invalid' } as const
const partial = { state: 'partial' } as const

/** What the bytes received so far are. */
export function readHello(bytes: Buffer): HelloState {
  const fragments: Buffer[] = []
  let gathered = 0
  let at = 0
  while (at < bytes.length) {
    if (
      bytes[at] !== HANDSHAKE ||
      (at + 1 < bytes.length && bytes[at + 1] !== 3) ||
      (at + 2 < bytes.length && (bytes[at + 2] ?? 9) > 4)
    )
      return invalid
    if (at + 5 > bytes.length) break
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > 16_384) return invalid
    const fragment = bytes.subarray(at + 5, at + 5 + length)
    fragments.push(fragment)
    if (fragments.length > HELLO_RECORDS_MAX) return invalid
    gathered += fragment.length
    if (fragment.length < length) break
    at += 5 + length
    const message = fragments.length === 1 ? fragment : Buffer.concat(fragments)
    if (message[0] !== CLIENT_HELLO) return invalid
    if (gathered >= 4) {
      const size = message.readUIntBE(1, 3)
      if (size > HELLO_MAX) return invalid
      // Nothing may follow in the same flight of plain records.
      if (gathered > size + 4) return invalid
      if (gathered === size + 4) return parseHello(message.subarray(4))
    }
  }
  const first = fragments[0]
  if (first !== undefined && first.length > 0 && first[0] !== CLIENT_HELLO) return invalid
  return bytes.length > HELLO_MAX ? invalid : partial
}

function parseHello(body: Buffer): HelloState {
  const cursor = new Cursor(body)
  cursor.skip(2 + 32)
  const session = cursor.vector(1)
  const suites = cursor.vector(2)
  const compressions = cursor.vector(1)
  if (
    cursor.failed ||
    session.length > 32 ||
    suites.length < 2 ||
    suites.length % 2 !== 0 ||
    compressions.length < 1
  )
    return invalid
  if (cursor.left === 0) return { state: 'hello', hello: { encryptedHello: false } }
  const extensions = new Cursor(cursor.vector(2))
  if (cursor.failed || cursor.left !== 0) return invalid
  const seen = new Set<number>()
  let serverName: string | undefined
  while (extensions.left > 0) {
    const type = extensions.number(2)
    const content = extensions.vector(2)
    if (extensions.failed || seen.has(type)) return invalid
    seen.add(type)
    if (type === SERVER_NAME) {
      serverName = parseServerName(content)
      if (serverName === undefined) return invalid
    }
  }
  return {
    state: 'hello',
    hello: {
      encryptedHello: seen.has(ENCRYPTED_CLIENT_HELLO),
      ...(serverName !== undefined && { serverName }),
    },
  }
}

/** Exactly one entry of type host_name. */
function parseServerName(content: Buffer): string | undefined {
  const outer = new Cursor(content)
  const list = new Cursor(outer.vector(2))
  const type = list.number(1)
  const name = list.vector(2)
  if (outer.failed || outer.left !== 0 || list.failed || list.left !== 0 || type !== 0 || name.length === 0)
    return undefined
  return name.toString('latin1')
}

class Cursor {
  readonly #bytes: Buffer
  #at = 0
  failed = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  skip(length: number): void {
    if (length > this.left) this.failed = true
    this.#at = Math.min(this.#bytes.length, this.#at + length)
  }

  number(size: number): number {
    if (size > this.left) {
      this.failed = true
      return 0
    }
    const value = this.#bytes.readUIntBE(this.#at, size)
    this.#at += size
    return value
  }

  vector(lengthSize: number): Buffer {
    const length = this.number(lengthSize)
    if (this.failed || length > this.left) {
      this.failed = true
      return Buffer.alloc(0)
    }
    const content = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return content
  }
}
