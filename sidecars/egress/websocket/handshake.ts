/**
 * The opening handshake of RFC 6455, twice: the agent's is read, and ours is made anew with a key of its own, so that
 * what proves an answer never comes from the agent. No extension is offered, and none may be in an answer.
 */
import { createHash, randomBytes } from 'node:crypto'
import { controls } from '../../policy/controls.ts'
import { Malformed, membersOf } from '../../http/head.ts'
import type { Field } from '../../http/head.ts'
import { Refuse } from '../exchange/request.ts'
import type { ParsedRequest } from '../exchange/request.ts'

/** What the agent asked for. */
export interface Asked {
  readonly key: string
  /** Subprotocols in its order of preference; what is sent of them is the agent's own field. */
  readonly protocols: readonly string[]
}

/** What we ask for in its place. */
export interface Opening {
  readonly asked: Asked
  readonly key: string
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/
/** Sixteen bytes in base64, with the one ending that their last group can have. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/
const PROTOCOLS_MAX = 32

/** Our handshake for a request that asks for a WebSocket; throws Refuse where its own is not well-formed. */
export function openingFor(request: ParsedRequest): { readonly opening?: Opening } {
  if (request.upgrade === undefined) return {}
  try {
    return { opening: { asked: readAsked(request), key: randomBytes(16).toString('base64') } }
  } catch (error) {
    throw error instanceof Malformed ? new Refuse('websocket-handshake') : error
  }
}

function readAsked({ method, version, fields, framing, expectsContinue }: ParsedRequest): Asked {
  const [key, ...moreKeys] = valuesOf(fields, 'sec-websocket-key')
  const versions = valuesOf(fields, 'sec-websocket-version')
  const protocols = tokensOf(fields)
  if (method !== 'GET' || version !== '1.1') throw new Malformed('handshake is not a GET of HTTP/1.1')
  if (framing.kind !== 'none' || expectsContinue) throw new Malformed('handshake with a body')
  if (!membersOf(fields, 'connection').includes('upgrade')) throw new Malformed('upgrade is not nominated')
  if (versions.length !== 1 || versions[0] !== '13') throw new Malformed('WebSocket version')
  if (key === undefined || moreKeys.length > 0 || !KEY.test(key)) throw new Malformed('WebSocket key')
  if (protocols.length > PROTOCOLS_MAX || new Set(protocols).size !== protocols.length)
    throw new Malformed('subprotocols')
  return { key, protocols }
}

/** Field lines of our own request. */
export const openingLines = ({ key }: Opening): string =>
  `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n`

/** The subprotocol of a 101 that answers our handshake; throws Malformed for any other 101. */
export function acceptedProtocol({ key, asked }: Opening, fields: readonly Field[]): string | undefined {
  const upgrades = membersOf(fields, 'upgrade')
  const accepts = valuesOf(fields, 'sec-websocket-accept')
  const [protocol, ...more] = tokensOf(fields)
  if (upgrades.length !== 1 || upgrades[0] !== 'websocket') throw new Malformed('upgraded to something else')
  if (!membersOf(fields, 'connection').includes('upgrade')) throw new Malformed('upgrade is not nominated')
  if ((accepts.length !== 1 || accepts[0] !== acceptOf(key)) && controls.on('websocket-accept'))
    throw new Malformed('accepts another key')
  if (fields.some((field) => field.key === 'sec-websocket-extensions'))
    throw new Malformed('an extension that was not offered')
  if (fields.some((field) => field.key === 'content-length' || field.key === 'transfer-encoding'))
    throw new Malformed('101 with a body')
  if (more.length > 0 || (protocol !== undefined && !asked.protocols.includes(protocol)))
    throw new Malformed('a subprotocol that was not offered')
  return protocol
}

/** Field lines of our answer to the agent. */
export const answerLines = ({ asked }: Opening, protocol: string | undefined): string =>
  `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(asked.key)}\r\n${protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`}`

export const acceptOf = (key: string): string =>
  createHash('sha1')
    .update(key + GUID)
    .digest('base64')

const valuesOf = (fields: readonly Field[], key: string): readonly string[] =>
  fields.filter((field) => field.key === key).map(({ value }) => value)

/** Case matters in subprotocols, so they are not read by `membersOf`. */
function tokensOf(fields: readonly Field[]): readonly string[] {
  const tokens = valuesOf(fields, 'sec-websocket-protocol').flatMap((value) =>
    value.split(',').map((token) => token.trim()),
  )
  if (!tokens.every((token) => TOKEN.test(token))) throw new Malformed('subprotocols')
  return tokens
}
