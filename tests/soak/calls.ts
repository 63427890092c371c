/** What agents do to the door during a soak, politely and not. Each says what was wrong, or nothing. */
import { Agent, request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { Random } from '../../sidecars/detect/samples.ts'
import { content, FORBIDDEN, sha256 } from './upstream.ts'

export interface Surroundings {
  readonly proxy: string
  readonly root: string
  readonly random: Random
  /** A value that is a secret of the bottle now. */
  secret(): string
  /** Whether any text that was a secret of the bottle in the last minutes is in here. */
  leaks(text: string): boolean
  /** `open`, `closed` since an answer to a configuration said so, or `changing`. */
  gate(): Gate
}

export interface Gate {
  readonly state: 'open' | 'closed' | 'changing'
  /** Rises with every change of `state`. */
  readonly generation: number
}

export const gateWords = ({ state, generation }: Gate): string => `asked=${state}-${generation}-`

export type Call = (around: Surroundings, agent: Agent) => Promise<string | undefined>

export const newAgent = ({ proxy, root }: Surroundings): Agent =>
  new Agent({ keepAlive: true, ca: [root], proxyEnv: { HTTPS_PROXY: proxy } })

interface Said {
  /** 0: the answer did not come, or not whole. */
  readonly status: number
  readonly body: Buffer
}

interface Asking {
  readonly method?: string
  readonly body?: Buffer | Readable
  readonly host?: string
  /** Milliseconds between two pieces that are read. */
  readonly pause?: number
  /** Goes away after so many bytes of the answer, or of the question. */
  readonly leave?: 'asking' | 'reading'
}

function ask(
  agent: Agent,
  path: string,
  { method = 'GET', body, host = 'soak.test', pause = 0, leave }: Asking = {},
): Promise<Said> {
  return new Promise((resolve) => {
    const failed = (): void => resolve({ status: 0, body: Buffer.alloc(0) })
    const away = (): void => {
      asked.destroy()
      failed()
    }
    const asked = request(`https://${host}${path}`, { agent, method }, (response) => {
      response.on('error', failed)
      if (leave === 'reading') return void response.once('data', away)
      read(response, pause).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, body: bytes }),
        failed,
      )
    })
    asked.on('error', failed)
    if (leave === 'asking') {
      asked.write(content(100_000), away)
      return
    }
    if (body instanceof Readable) body.pipe(asked)
    else asked.end(body)
  })
}

async function read(response: IncomingMessage, pause: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of response) {
    pieces.push(piece as Buffer)
    if (pause > 0) await wait(pause)
  }
  return Buffer.concat(pieces)
}

const wrong = (what: string, { status, body }: Said): string =>
  `${what}: ${status} ${body.length} bytes ${body.toString('latin1', 0, 300)}`

const echo: Call = async ({ leaks }, agent) => {
  const said = await ask(agent, '/echo')
  const text = said.body.toString()
  if (said.status !== 200 || !text.includes('"authorization":"Bearer ***')) return wrong('echo', said)
  return leaks(text) ? 'a credential came back' : undefined
}

const upload: Call = async ({ random }, agent) => {
  const body = content(1 + random(300_000))
  const chunked = random(2) === 0
  const said = await ask(agent, '/digest', { method: 'POST', body: chunked ? Readable.from([body.subarray(0, 5), body.subarray(5)]) : body }) // prettier-ignore
  return said.status === 200 && said.body.toString() === sha256(body) ? undefined : wrong('upload', said)
}

const download: Call = async ({ random }, agent) => {
  const size = random(2_000_000)
  const said = await ask(agent, `/content?size=${size}`, { pause: random(4) === 0 ? 5 : 0 })
  return said.status === 200 && said.body.equals(content(size)) ? undefined : wrong('download', said)
}

const drip: Call = async (_around, agent) => {
  const said = await ask(agent, '/drip?size=50000')
  return said.status === 200 && said.body.length === 50_000 ? undefined : wrong('drip', said)
}

const cut: Call = async ({ random }, agent) => {
  const size = 1000 + random(500_000)
  const said = await ask(agent, `/reset?size=${size}`)
  return said.status === 0 || said.status === 502
    ? undefined
    : wrong('half an answer passed for a whole', said)
}

const gone: Call = async (_around, agent) => {
  const said = await ask(agent, '/gone', { method: 'POST', body: Buffer.from('x') })
  return said.status === 502 ? undefined : wrong('an upstream that resets', said)
}

const leave: Call = async ({ random }, agent) => {
  await (random(2) === 0
    ? ask(agent, '/digest', { method: 'POST', leave: 'asking' })
    : ask(agent, '/content?size=2000000', { leave: 'reading' }))
  return undefined
}

const refused: Call = async ({ random }, agent) => {
  const said = await (random(2) === 0
    ? ask(agent, `/denied/${FORBIDDEN}`)
    : ask(agent, `/echo?${FORBIDDEN}`, { method: 'DELETE' }))
  return said.status === 403 ? undefined : wrong('what no route allows', said)
}

const undeclared: Call = async (_around, agent) => {
  const said = await ask(agent, '/', { host: 'denied.test' })
  return said.status === 0 || said.status === 403 ? undefined : wrong('a host without a route', said)
}

const exfiltrate: Call = async ({ secret, random }, agent) => {
  const value = secret()
  const hidden = random(2) === 0 ? value : Buffer.from(`x${value}`).toString('base64')
  const said = await ask(agent, '/digest', { method: 'POST', body: Buffer.from(`${FORBIDDEN} ${hidden}`) })
  return said.status === 403 ? undefined : wrong('a secret in a body', said)
}

/**
 * A route that comes and goes: while it was closed from before the question to behind the answer, there is none. What was
 * asked before it closed may still be on its way, so a question says when it was asked.
 */
const gated: Call = async ({ gate }, agent) => {
  const before = gate()
  const said = await ask(agent, `/echo?${gateWords(before)}`, { host: 'gate.test' })
  const after = gate()
  if (before.generation !== after.generation) return undefined
  if (before.state === 'closed' && said.status === 200) return wrong('a closed route', said)
  if (before.state === 'open' && said.status !== 200) return wrong('an open route', said)
  return undefined
}

const talk: Call = ({ random }, agent) =>
  new Promise((resolve) => {
    const socket = new WebSocket('wss://soak.test/ws', { agent })
    const [words, count] = ['a few words '.repeat(1 + random(2000)), 1 + random(8)]
    let left = count
    socket.on('open', () => socket.send(words))
    socket.on('message', (data: Buffer) => {
      if (data.toString() !== words) resolve('another message came back')
      left -= 1
      if (left === 0) socket.close(1000)
      else socket.send(words)
    })
    socket.on('error', (error) => resolve(`websocket: ${error.message}`))
    socket.on('close', (code) =>
      resolve(code === 1000 && left === 0 ? undefined : `websocket closed ${code}`),
    )
  })

/** How often each comes. */
export const CALLS: readonly (readonly [name: string, share: number, call: Call])[] = [
  ['echo', 8, echo],
  ['upload', 4, upload],
  ['download', 4, download],
  ['drip', 1, drip],
  ['cut', 2, cut],
  ['gone', 1, gone],
  ['leave', 2, leave],
  ['refused', 2, refused],
  ['undeclared', 1, undeclared],
  ['exfiltrate', 2, exfiltrate],
  ['gated', 3, gated],
  ['talk', 2, talk],
]
