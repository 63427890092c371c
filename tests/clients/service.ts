/** A service behind the door: plain answers, events that wait to be seen, WebSocket, MCP over streamable HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { WebSocketServer } from 'ws'
import type { Upstream } from '../door/door.ts'

export interface Service extends Upstream {
  /** The credentials that came, each once. */
  readonly credentials: Set<string>
}

const EVENTS = ['one', 'two', 'three', 'four', 'five']

export function openService(): Service {
  const credentials = new Set<string>()
  let seen: (event: string) => void = () => {}
  const sockets = new WebSocketServer({ noServer: true })
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))

  const events = async (response: ServerResponse): Promise<void> => {
    response.setHeader('Content-Type', 'text/event-stream')
    for (const event of EVENTS) {
      const acknowledged = new Promise<void>((resolve) => {
        seen = (found) => void (found === event && resolve())
      })
      response.write(`event: word\ndata: ${event}\n\n`)
      await acknowledged
    }
    response.end()
  }

  return {
    credentials,
    async request(request, response) {
      credentials.add(request.headers.authorization ?? '')
      const url = new URL(request.url ?? '/', 'https://service.test')
      switch (url.pathname) {
        case '/hello':
          return void response.end(`hello, you are ${request.headers.authorization}\n`)
        case '/events':
          return await events(response)
        case '/seen':
          seen(url.searchParams.get('event') ?? '')
          return void response.end()
        case '/mcp':
          return await mcp(request, response)
        default:
          response.statusCode = 404
          response.end()
      }
    },
    upgrade: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request)),
  }
}

interface Message {
  readonly id?: number
  readonly method: string
  readonly params?: {
    readonly protocolVersion?: string
    readonly _meta?: { readonly progressToken?: number }
  }
}

/** Enough of the protocol (2025-06-18) for one tool that tells of its progress. */
async function mcp(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') return void response.writeHead(405).end()
  let text = ''
  for await (const piece of request) text += String(piece)
  const { id, method, params } = JSON.parse(text) as Message
  if (id === undefined) return void response.writeHead(202).end()
  const result = (value: object): string => JSON.stringify({ jsonrpc: '2.0', id, result: value })
  if (method === 'initialize' || method === 'tools/list') {
    response.setHeader('Content-Type', 'application/json')
    response.setHeader('Mcp-Session-Id', 'a-session')
    const serverInfo = { name: 'a server', version: '1' }
    const tools = [{ name: 'count', inputSchema: { type: 'object' } }]
    const { protocolVersion } = params ?? {}
    return void response.end(
      result(
        method === 'initialize' ? { protocolVersion, capabilities: { tools: {} }, serverInfo } : { tools },
      ),
    )
  }
  response.setHeader('Content-Type', 'text/event-stream')
  const progressToken = params?._meta?.progressToken
  for (const progress of [1, 2, 3]) {
    const told = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress } }
    response.write(`event: message\ndata: ${JSON.stringify(told)}\n\n`)
  }
  response.end(`event: message\ndata: ${result({ content: [{ type: 'text', text: 'three' }] })}\n\n`)
}
