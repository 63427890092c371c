/** OpenAI's Responses API, as far as an agent program asks it: streamed items of text and calls of functions. */
import type { Answer, Asked, Events } from './api.ts'

/** What the model says in one turn. */
export interface Turn {
  readonly tokens?: readonly string[]
  readonly call?: { readonly name: string; readonly input: Readonly<Record<string, unknown>> }
  /** A call of a tool that takes plain text. */
  readonly custom?: { readonly name: string; readonly input: string }
}

/** What calls have answered in the conversation of a request, each as JSON. */
export const callOutputs = (body: string): readonly string[] =>
  (JSON.parse(body) as { readonly input: readonly Item[] }).input
    .filter(({ type }) => type?.endsWith('_call_output') === true)
    .map(({ output }) => JSON.stringify(output))

interface Item {
  readonly type?: string
  readonly output?: unknown
}

/** The turns of one conversation: which one comes follows from how many calls have answers. `gate` is awaited before each token. */
export function openai(turns: readonly Turn[], gate: (token: string) => Promise<void>) {
  return ({ method, path, headers, body }: Asked): Answer => {
    if (method === 'GET' && /\/models(\?|$)/.test(path))
      return { json: { object: 'list', data: [], models: [] } }
    if (path.endsWith('/accounts/check')) return { json: account(headers['chatgpt-account-id']) }
    if (method !== 'POST' || !path.endsWith('/responses'))
      return { status: 404, json: { error: { message: `nothing at ${path}`, type: 'not_found' } } }
    const results = callOutputs(body).length
    return { events: streamed(turns[results] ?? { tokens: ['Nothing is left.'] }, gate) }
  }
}

/** What a signed-in program asks before anything else: where its account is served. */
const account = (id: string | string[] | undefined) => ({
  accounts: [
    {
      id,
      structure: 'personal',
      plan_type: 'pro',
      workspace_backend_origin: 'https://chatgpt.com',
      account_routing_override: 'NO_CONSTRAINT',
    },
  ],
  account_ordering: [id],
  default_account_id: id,
})

let made = 0

async function* streamed(turn: Turn, gate: (token: string) => Promise<void>): Events {
  const { tokens = [], call, custom } = turn
  const id = `resp_${made++}`
  const event = (type: string, more: object) => ({ event: type, data: { type, ...more } })
  yield event('response.created', { response: { id, status: 'in_progress', output: [] } })
  const output: object[] = []
  if (tokens.length > 0) {
    const message = { type: 'message', id: `msg_${made++}`, role: 'assistant' }
    yield event('response.output_item.added', { output_index: 0, item: { ...message, content: [] } })
    for (const delta of tokens) {
      await gate(delta)
      yield event('response.output_text.delta', {
        item_id: message.id,
        output_index: 0,
        content_index: 0,
        delta,
      })
    }
    const item = { ...message, content: [{ type: 'output_text', text: tokens.join(''), annotations: [] }] }
    output.push(item)
    yield event('response.output_item.done', { output_index: 0, item })
  }
  if (call || custom) {
    const item = {
      id: `fc_${made}`,
      call_id: `call_${made++}`,
      status: 'completed',
      ...(call
        ? { type: 'function_call', name: call.name, arguments: JSON.stringify(call.input) }
        : { type: 'custom_tool_call', ...custom }),
    }
    output.push(item)
    yield event('response.output_item.done', { output_index: output.length - 1, item })
  }
  const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 }
  yield event('response.completed', { response: { id, status: 'completed', output, usage } })
}
