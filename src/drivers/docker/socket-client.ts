/**
 * The engine's API over its Unix socket, with `node:http` and nothing else: what every command calls, so it must start in
 * a few milliseconds. TLS and uploads are dockerode's (`transport.ts`); reasons in docs/decisions/0004.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { API_VERSION, EngineRefusal, type Answer, type Call } from './call.ts'

export interface SocketClient {
  json(call: Call): Promise<unknown>
  stream(call: Call): Promise<Answer>
  hijack(call: Call): Promise<Duplex>
}

/** Questions that are under way at once; more than this only wait inside the engine. */
const CONNECTIONS = 16

export function socketClient(socketPath: string): SocketClient {
  // Not imported: an import of a built-in module costs eight times as much at start.
  const http = process.getBuiltinModule('node:http')
  /** Kept connections are for answers that end; whatever lasts gets one of its own. */
  const kept = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS })

  function send(call: Call, lasting: boolean, headers: Readonly<Record<string, string>> = {}): ClientRequest {
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body))
    const request = http.request({
      socketPath,
      method: call.method,
      path: `/v${call.version ?? API_VERSION}${call.path}${queryOf(call)}`,
      agent: lasting ? false : kept,
      headers: {
        host: 'docker',
        ...(body
          ? { 'content-type': 'application/json', 'content-length': body.length }
          : call.method === 'POST' && { 'content-length': 0 }),
        ...headers,
      },
      ...(call.signal && { signal: call.signal }),
    })
    request.end(body)
    return request
  }

  return {
    async json(call) {
      const answer = await answered(send(call, false))
      return parsed(await text(answer))
    },
    stream: (call) => answered(send(call, true)),
    hijack: (call) =>
      new Promise((resolve, reject) => {
        const request = send(call, true, { connection: 'Upgrade', upgrade: 'tcp' })
        request.once('upgrade', (_, socket, early) => {
          if (early.length > 0) socket.unshift(early)
          resolve(socket)
        })
        request.once('response', (answer) => {
          accepted(answer)
            .finally(() => answer.destroy())
            .then(() =>
              Promise.reject(new EngineRefusal(answer.statusCode ?? 0, 'the engine gave no raw connection')),
            )
            .catch(reject)
        })
        request.once('error', reject)
      }),
  }
}

function queryOf({ query }: Call): string {
  const words = Object.entries(query ?? {}).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  )
  return words.length === 0 ? '' : `?${words.join('&')}`
}

function answered(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject)
  }).then(accepted)
}

async function accepted(answer: IncomingMessage): Promise<IncomingMessage> {
  const status = answer.statusCode ?? 0
  if ((status >= 200 && status < 300) || status === 304) return answer
  throw new EngineRefusal(status, messageOf(await text(answer)) || (answer.statusMessage ?? ''))
}

async function text(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function messageOf(body: string): string {
  const told = parsed(body)
  return typeof told === 'object' && told !== null && 'message' in told ? String(told.message) : body.trim()
}

/** Some answers have no body, and some refusals are plain text. */
function parsed(body: string): unknown {
  if (body === '') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
