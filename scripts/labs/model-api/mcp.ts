/** An MCP server over streamable HTTP (2025-06-18), as far as an agent program asks it: one tool that says what it was given. */
import type { Answer, Asked } from './api.ts'

interface Message {
  readonly id?: number | string
  readonly method: string
  readonly params?: { readonly protocolVersion?: string; readonly arguments?: { readonly word?: string } }
}

/** The tool `echo` answers `prefix` and the word. */
export function mcp(prefix: string) {
  return ({ method, body }: Asked): Answer => {
    // Nothing is said here that nobody asked for.
    if (method !== 'POST') return { status: 405 }
    const { id, ...message } = JSON.parse(body) as Message
    if (id === undefined) return { status: 202 }
    return { json: { jsonrpc: '2.0', id, result: resultOf(message, prefix) } }
  }
}

function resultOf({ method, params }: Omit<Message, 'id'>, prefix: string): object {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params?.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'lab', version: '1.0.0' },
      }
    case 'tools/list':
      return { tools: [{ name: 'echo', description: 'Says a word again.', inputSchema: SCHEMA }] }
    case 'tools/call':
      return { content: [{ type: 'text', text: `${prefix} ${params?.arguments?.word}` }] }
    default:
      return {}
  }
}

const SCHEMA = { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] }
