/**
 * One call to the engine's API, over dockerode's modem (loaded when the first call is made: it costs start-up time).
 * Nothing here knows what an answer means; `engine.ts` decodes it.
 */
import type { Duplex, Readable } from 'node:stream'
import type { Endpoint } from './endpoint.ts'

/** Of the oldest engine this program runs on (20.10); newer ones answer it too. */
export const API_VERSION = '1.41'

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD' | 'PUT'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly body?: unknown
  /** Sent as it is (`application/x-tar`), instead of `body`. */
  readonly upload?: Readable
  readonly signal?: AbortSignal
}

/** The engine answered, with a status that is no success. */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface Transport {
  json(call: Call): Promise<unknown>
  stream(
    call: Call,
  ): Promise<Readable & { readonly headers: Readonly<Record<string, string | string[] | undefined>> }>
  /** The connection itself, after the engine's upgrade: raw bytes both ways. */
  hijack(call: Call): Promise<Duplex>
}

const SUCCESS: Readonly<Record<number, true>> = {
  200: true,
  201: true,
  202: true,
  204: true,
  304: true,
  101: true,
}

export function dockerTransport(endpoint: Endpoint): Transport {
  let modem: Promise<Modem> | undefined
  const dial = async <T>(call: Call, extra: Readonly<Record<string, unknown>>): Promise<T> => {
    modem ??= openModem(endpoint)
    const opened = await modem
    return new Promise<T>((resolve, reject) => {
      opened.dial(options(call, extra), (error, value) => {
        if (error === null || error === undefined) resolve(value as T)
        else reject(asRefusal(error))
      })
    })
  }
  return {
    json: (call) => reading(call, () => dial(call, {})),
    stream: (call) => dial(call, { isStream: true }),
    hijack: (call) => dial(call, { isStream: true, hijack: true, openStdin: true }),
  }
}

/** A kept connection that the engine closed meanwhile (it was restarted) fails at its first use: what only reads is asked once more. */
async function reading(call: Call, ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask()
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    if (call.method !== 'GET' || (code !== 'EPIPE' && code !== 'ECONNRESET')) throw thrown
    return ask()
  }
}

interface Modem {
  dial(options: object, callback: (error: unknown, value: unknown) => void): void
}

async function openModem(endpoint: Endpoint): Promise<Modem> {
  const { default: Docker } = await import('dockerode')
  const where =
    endpoint.kind === 'socket'
      ? { socketPath: endpoint.path }
      : { host: endpoint.host, port: endpoint.port, protocol: 'https' as const, ...endpoint.certificates }
  // `host: ''` keeps the modem from reading DOCKER_HOST by itself: the endpoint was chosen, and checked, by us.
  return new Docker({ ...(endpoint.kind === 'socket' && { host: '' }), ...where, version: `v${API_VERSION}` })
    .modem
}

function options(call: Call, extra: Readonly<Record<string, unknown>>): object {
  const query = call.query && Object.keys(call.query).length > 0 ? call.query : undefined
  return {
    path: query ? `${call.path}?` : call.path,
    method: call.method,
    options: { _query: query ?? {}, _body: call.body ?? {} },
    statusCodes: SUCCESS,
    ...(call.upload && { file: call.upload, headers: { 'Content-Type': 'application/x-tar' } }),
    ...(call.signal && { abortSignal: call.signal }),
    ...extra,
  }
}

function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || !('statusCode' in error)) return error
  const json: unknown = 'json' in error ? error.json : undefined
  const told =
    typeof json === 'object' && json !== null && 'message' in json ? String(json.message) : error.message
  return new EngineRefusal(Number(error.statusCode), told.replace(/^\(HTTP code \d+\) [^-]* - /, '').trim())
}
