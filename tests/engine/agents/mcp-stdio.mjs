/** An MCP server over its standard streams: one tool that says a word again, and what it finds in its environment. */
import { createInterface } from 'node:readline'

const SCHEMA = { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] }
const { HTTPS_PROXY, LOG, PLACE } = process.env

const resultOf = ({ method, params }) => {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'stdio', version: '1.0.0' },
      }
    case 'tools/list':
      return { tools: [{ name: 'echo', description: 'Says a word again.', inputSchema: SCHEMA }] }
    case 'tools/call':
      return {
        content: [{ type: 'text', text: `inside ${params.arguments.word} ${PLACE} ${LOG} ${HTTPS_PROXY}` }],
      }
    default:
      return {}
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line)
  if (message.id !== undefined)
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: resultOf(message) })}\n`)
}
