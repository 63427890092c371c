/**
 * Signatures of AWS (Signature Version 4) over exactly what is sent. The signer is the vendor's; what it is given here is
 * taken from the request as it was judged. Loaded with the first request that needs one.
 */
import { SignatureV4 } from '@smithy/signature-v4'
import { createHash, createHmac } from 'node:crypto'
import type { Hash, Hmac } from 'node:crypto'
import { schemePort } from '../../../src/model/policy.ts'
import { formatAuthority } from '../../policy/authority.ts'
import { isObjectStore } from '../../policy/signing.ts'
import type { SetField, SigningKey } from './credentials.ts'
import type { Field } from '../../http/head.ts'
import type { OutgoingRequest } from '../exchange/outgoing.ts'
import { Refuse } from '../exchange/request.ts'

/** The request with its signature in place of the key. `body`: all of it; undefined where it goes on piece by piece. Throws Refuse. */
export async function signed(
  outgoing: OutgoingRequest,
  body: Buffer | undefined,
  now = new Date(),
): Promise<OutgoingRequest> {
  const { request, query, credential } = outgoing
  if (credential?.kind !== 'signature') return outgoing
  const { key } = credential
  const objects = isObjectStore(key.service)
  if (body === undefined && !objects) throw new Refuse('signing-body')
  const content = {
    name: 'X-Amz-Content-Sha256',
    value: body === undefined ? 'UNSIGNED-PAYLOAD' : createHash('sha256').update(body).digest('hex'),
  }
  const signable: Signable = {
    method: request.method,
    host: formatAuthority(request.authority, schemePort(request.scheme)),
    path: objects ? namedPath(request.path) : request.path,
    query,
    headers: { ...textsOf(outgoing.fields), [content.name.toLowerCase()]: content.value },
  }
  const signature = await signatureOf(signable, key, now)
  return { ...outgoing, credential: { kind: 'fields', fields: [content, ...signature] } }
}

export interface Signable {
  readonly method: string
  readonly host: string
  readonly path: string
  /** As it is sent. */
  readonly query: string
  /** By lower-case name; with `x-amz-content-sha256` that stands for the body. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** The fields that make a request a signed one. */
export async function signatureOf(
  { method, host, path, query, headers, body }: Signable,
  key: SigningKey,
  now: Date,
): Promise<readonly SetField[]> {
  const { region, service, sessionToken } = key
  const signer = new SignatureV4({
    credentials: {
      accessKeyId: key.accessKey,
      secretAccessKey: key.secretKey,
      ...(sessionToken !== undefined && { sessionToken }),
    },
    region,
    service,
    sha256: Sha256,
    applyChecksum: false,
    uriEscapePath: !isObjectStore(service),
  })
  const { headers: made } = await signer.sign(
    {
      method,
      protocol: 'https:',
      hostname: host,
      path,
      query: parametersOf(query),
      headers: { ...headers, host },
      body,
    },
    { signingDate: now },
  )
  return [
    { name: 'X-Amz-Date', value: made['x-amz-date'] ?? '' },
    ...(sessionToken === undefined ? [] : [{ name: 'X-Amz-Security-Token', value: sessionToken }]),
    { name: 'Authorization', value: made['authorization'] ?? '' },
  ]
}

/** Fields of one name as one. What is not ASCII has no one spelling and stays unsigned. */
function textsOf(fields: readonly Field[]): Record<string, string> {
  const texts = new Map<string, string[]>()
  for (const { key, value } of fields) {
    if (/[^\t\x20-\x7e]/.test(value)) continue
    texts.set(key, [...(texts.get(key) ?? []), value])
  }
  return Object.fromEntries([...texts].map(([key, values]) => [key, values.join(',')]))
}

function parametersOf(query: string): Record<string, string[]> {
  const parameters = new Map<string, string[]>()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeURIComponent(equals === -1 ? pair : pair.slice(0, equals))
    const value = equals === -1 ? '' : decodeURIComponent(pair.slice(equals + 1))
    parameters.set(name, [...(parameters.get(name) ?? []), value])
  }
  return Object.fromEntries(parameters)
}

/** A path with every byte in its one spelling: as it is, or as an escape. */
function namedPath(path: string): string {
  return path.replaceAll(/%([0-9a-f]{2})|[^\w\-.~/]/gi, (text, hex: string | undefined) => {
    const character = hex === undefined ? text : String.fromCharCode(Number.parseInt(hex, 16))
    return /^[\w\-.~]$/.test(character) ? character : `%${hexOf(character)}`
  })
}

const hexOf = (character: string): string =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')

/** The hash that the signer asks for, by Node's own; with a secret it is keyed. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(text: Uint8Array): void {
    this.#hash.update(text)
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }

  reset(): void {
    throw new Error('a hash is used once')
  }
}

function bytesOf(secret: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof secret === 'string') return secret
  return ArrayBuffer.isView(secret)
    ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
    : new Uint8Array(secret)
}
