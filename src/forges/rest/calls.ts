/** One call of a dialect: the address judged, the request sent, its answer read, its refusal in words without the token. */
import { ForgeError } from '../../model/forge-error.ts'
import { safeText } from '../../model/text.ts'
import type { ForgeAccess, ForgeDialect } from '../../ports/forge.ts'
import { secretScrubber } from '../../execute/scrub.ts'
import { judgeAddresses, readEndpoint, resolveEndpoint } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { failed, notJson, refusedAnswer, saidFor } from './failures.ts'
import type { Operation } from './failures.ts'
import { NoAnswer, request } from './request.ts'
import type { Answer, Sent } from './request.ts'
import { tooSlow, unanswered } from './unanswered.ts'

export interface Call {
  readonly method: Sent['method']
  readonly path: string
  readonly body?: Readonly<Record<string, string | boolean>>
}

/** `refusal`: a 4xx that the caller may understand; everything else that is no success is thrown. */
export type Called = { readonly status: number } & (
  | { readonly json: unknown; readonly headers: Answer['headers'] }
  | { readonly refusal: ForgeError; readonly words: string | undefined }
)

export type Calls = (doing: Operation, call: Call, signal: AbortSignal) => Promise<Called>

/** Milliseconds for one request. */
const TIMEOUT_MS = 30_000
/** Refusals of one request, not of the token or the forge: 400, 404 (of a DELETE), 409, 422. */
const UNDERSTOOD = { GET: [], POST: [400, 409, 422], DELETE: [404] } as const

export function openCalls(dialect: ForgeDialect, access: ForgeAccess): Calls {
  const { allowPrivate, trust, token, timeoutMs = TIMEOUT_MS } = access
  const scrubber = secretScrubber()
  scrubber.learn(token)

  async function dialled(
    doing: Operation,
    endpoint: Endpoint,
    sent: Sent,
    signal: AbortSignal,
  ): Promise<Answer> {
    const found = await orEnd(resolveEndpoint(endpoint), signal)
    const addresses = judgeAddresses(found, { secure: endpoint.secure, allowPrivate })
    if ('refused' in addresses) throw badAddress(doing, addresses.refused)
    return request(endpoint, addresses, sent, { trust, signal })
  }

  function read(doing: Operation, method: Call['method'], answer: Answer): Called {
    const { status, headers } = answer
    const json = parsed(answer)
    const writing = method !== 'GET'
    if (status >= 200 && status < 300) {
      if (json === undefined && status !== 204) throw notJson(doing, answer, writing)
      return { status, json, headers }
    }
    const own = json === undefined ? undefined : dialect.words(json)
    const words = own === undefined ? undefined : scrubber.clean(own)
    // A 404 of a web server is not the API's word that there is no such repository.
    const isStray = status === 404 && json === undefined
    const refusal = isStray ? notJson(doing, answer, false) : refusedAnswer(doing, answer, words, writing)
    const understood: readonly number[] = UNDERSTOOD[method]
    if (understood.includes(status)) return { status, refusal, words }
    throw refusal
  }

  return async (doing, { method, path, body }, signal) => {
    signal.throwIfAborted()
    const endpoint = readEndpoint(access.api)
    if ('refused' in endpoint) throw badUrl(doing, endpoint.refused)
    const sent = {
      method,
      path,
      headers: saidFor(doing, () => dialect.headers(token)),
      ...(body && { body: JSON.stringify(body) }),
    }
    const time = AbortSignal.timeout(timeoutMs)
    try {
      const answer = await dialled(doing, endpoint, sent, AbortSignal.any([signal, time]))
      return read(doing, method, answer)
    } catch (thrown) {
      if (thrown instanceof ForgeError) throw thrown
      signal.throwIfAborted()
      if (time.aborted) throw tooSlow(doing, timeoutMs, thrown instanceof NoAnswer && thrown.sent)
      throw unanswered(doing, endpoint, thrown)
    }
  }
}

function parsed({ headers, body }: Answer): unknown {
  if (!/^application\/([a-z.-]+\+)?json\b/i.test(headers['content-type'] ?? '')) return undefined
  try {
    const found: unknown = JSON.parse(body)
    return found
  } catch {
    return undefined
  }
}

/** Name look-ups cannot be ended; nobody waits for one longer. */
function orEnd<T>(work: Promise<T>, ended: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    ended.addEventListener('abort', () => reject(ended.reason), { once: true })
    work.then(resolve, reject)
  })
}

function badUrl(doing: Operation, refused: string): ForgeError {
  return failed(doing, `the URL is not used: ${refused}`, {
    code: 'forge-url',
    fate: 'unsent',
    hint: 'write the https URL of the API under `api`',
  })
}

function badAddress(doing: Operation, refused: string): ForgeError {
  return failed(doing, `it is at an address that is not dialled: ${safeText(refused, 300)}`, {
    code: 'forge-address',
    fate: 'unsent',
    hint: '`allow_private: true` under `provisioned_key` admits private addresses and this machine; metadata services are never dialled',
  })
}
