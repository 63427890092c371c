/** Anthropic's Messages API, as far as an agent program asks it: streamed answers of text and tool calls. */
import type { Answer, Asked, Events } from './api.ts'

/** What the model says in one turn. */
export interface Turn {
  /** Sent token by token; before each the gate is passed. */
  readonly tokens?: readonly string[]
  readonly tool?: { readonly name: string; readonly input: Readonly<Record<string, unknown>> }
}

interface Message {
  readonly role: string
  readonly content: string | readonly { readonly type: string; readonly content?: unknown }[]
}

/** What tools have said in the conversation of a request, each as JSON. */
export const toolResults = (body: string): readonly string[] =>
  conversation(body)
    .messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
    .filter(({ type }) => type === 'tool_result')
    .map(({ content }) => JSON.stringify(content))

/**
 * The turns of one conversation: which one comes follows from how many tools have answered. What asks without tools
 * (titles, summaries) gets a word. `gate` is awaited before each token.
 */
export function anthropic(turns: readonly Turn[], gate: (token: string) => Promise<void>) {
  return ({ method, path, body }: Asked): Answer => {
    if (method !== 'POST' || !path.startsWith('/v1/messages')) return notFound(path)
    if (path.includes('count_tokens')) return { json: { input_tokens: 10 } }
    const asked = conversation(body)
    const results = toolResults(body).length
    const isWork = asked.tools?.some(({ name }) => name === 'Bash') === true
    const turn = isWork ? (turns[results] ?? { tokens: ['Nothing is left.'] }) : { tokens: ['Title'] }
    if (asked.stream !== true) return { json: whole(asked.model, turn) }
    return { events: streamed(asked.model, turn, isWork ? gate : () => Promise.resolve()) }
  }
}

interface Conversation {
  readonly model: string
  readonly stream?: boolean
  readonly tools?: readonly { readonly name: string }[]
  readonly messages: readonly Message[]
}

const conversation = (body: string): Conversation => JSON.parse(body) as Conversation

function notFound(path: string): Answer {
  const error = { type: 'not_found_error', message: `nothing at ${path}` }
  return { status: 404, json: { type: 'error', error } }
}

const USAGE = {
  input_tokens: 10,
  output_tokens: 5,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
}

const envelope = (model: string) => ({
  id: 'msg_test',
  type: 'message',
  role: 'assistant',
  model,
  stop_sequence: null,
  usage: USAGE,
})

function whole(model: string, { tokens = [], tool }: Turn) {
  const text = tokens.length === 0 ? [] : [{ type: 'text', text: tokens.join('') }]
  const call = tool ? [{ type: 'tool_use', id: 'toolu_whole', ...tool }] : []
  return { ...envelope(model), content: [...text, ...call], stop_reason: tool ? 'tool_use' : 'end_turn' }
}

let calls = 0

async function* streamed(
  model: string,
  { tokens = [], tool }: Turn,
  gate: (token: string) => Promise<void>,
): Events {
  const event = (type: string, more: object) => ({ event: type, data: { type, ...more } })
  yield event('message_start', { message: { ...envelope(model), content: [], stop_reason: null } })
  let index = 0
  if (tokens.length > 0) {
    yield event('content_block_start', { index, content_block: { type: 'text', text: '' } })
    for (const text of tokens) {
      await gate(text)
      yield event('content_block_delta', { index, delta: { type: 'text_delta', text } })
    }
    yield event('content_block_stop', { index })
    index += 1
  }
  if (tool) {
    const content_block = { type: 'tool_use', id: `toolu_${calls++}`, name: tool.name, input: {} }
    yield event('content_block_start', { index, content_block })
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(tool.input) }
    yield event('content_block_delta', { index, delta })
    yield event('content_block_stop', { index })
  }
  const delta = { stop_reason: tool ? 'tool_use' : 'end_turn', stop_sequence: null }
  yield event('message_delta', { delta, usage: { output_tokens: 5 } })
  yield event('message_stop', {})
}
