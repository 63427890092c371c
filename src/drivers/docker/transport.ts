/**
 * One call to the engine's API: over our own client where it is a question on a Unix socket, over dockerode's modem for
 * TLS and uploads (loaded when it is needed: it costs more start-up time than a whole `diff`; docs/decisions/0004).
 * Nothing here knows what an answer means; `engine.ts` decodes it.
 */
import type { Duplex } from 'node:stream'
import { API_VERSION, EngineRefusal, type Answer, type Call } from './call.ts'
import type { Endpoint } from './endpoint.ts'
import { socketClient, type SocketClient } from './socket-client.ts'

export interface Transport {
  json(call: Call): Promise<unknown>
  stream(call: Call): Promise<Answer>
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
  const viaModem = modemTransport(endpoint)
  if (endpoint.kind !== 'socket') return speaking(viaModem)
  let opened: SocketClient | undefined
  const direct = () => (opened ??= socketClient(endpoint.path))
  return speaking({
    json: (call) => reading(call, () => (call.upload ? viaModem : direct()).json(call)),
    stream: (call) => (call.upload ? viaModem : direct()).stream(call),
    hijack: (call) => direct().hijack(call),
  })
}

/**
 * An engine whose oldest version is above ours (29.0: 1.44) refuses with a sentence that names it: it is asked again in
 * that version, and from then on at once. An upload cannot be sent twice; something was always asked before one.
 */
function speaking(transport: Transport): Transport {
  let version: string | undefined
  const ask = async <T>(call: Call, make: (call: Call) => Promise<T>): Promise<T> => {
    const tried = version
    try {
      return await make(tried === undefined ? call : { ...call, version: tried })
    } catch (thrown) {
      const oldest = thrown instanceof EngineRefusal && thrown.status === 400 ? oldestOf(thrown) : undefined
      if (oldest === undefined || oldest === tried || call.upload) throw thrown
      version = oldest
      return make({ ...call, version })
    }
  }
  return {
    json: (call) => ask(call, (as) => transport.json(as)),
    stream: (call) => ask(call, (as) => transport.stream(as)),
    hijack: (call) => ask(call, (as) => transport.hijack(as)),
  }
}

function oldestOf(refusal: EngineRefusal): string | undefined {
  return /minimum supported API version is (\d+\.\d+)/i.exec(refusal.message)?.[1]
}

export function modemTransport(endpoint: Endpoint): Transport {
  let modem: Promise<Modem> | undefined
  const dial = async <T>(call: Call, extra: Readonly<Record<string, unknown>>): Promise<T> => {
    modem ??= openModem(endpoint)
    const opened = await modem
    return new Promise<T>((resolve, reject) => {
      // Before each dial, which reads it at once: the constructor's would be for all calls.
      opened.version = `v${call.version ?? API_VERSION}`
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
  version?: string
  dial(options: object, callback: (error: unknown, value: unknown) => void): void
}

async function openModem(endpoint: Endpoint): Promise<Modem> {
  const { default: Docker } = await import('dockerode')
  const where =
    endpoint.kind === 'socket'
      ? { socketPath: endpoint.path }
      : { host: endpoint.host, port: endpoint.port, protocol: 'https' as const, ...endpoint.certificates }
  // `host: ''` keeps the modem from reading DOCKER_HOST by itself: the endpoint was chosen, and checked, by us.
  return new Docker({ ...(endpoint.kind === 'socket' && { host: '' }), ...where }).modem
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
