/** What one request of a git client gets: the mirror, a push, or a refusal in words. */
import type { KnownPrints } from '../../src/model/gate.ts'
import type { LogLine } from '../supervisor/ipc.ts'
import { advertisement } from './commands.ts'
import { controls } from './controls.ts'
import type { GateAnswer, GateRequest, Serve } from './exchange.ts'
import { NotServed, serveFetch, serveRefs } from './fetch.ts'
import type { GateLimits } from './limits.ts'
import { UpstreamFailed } from './link.ts'
import { NotPkt } from './pkt.ts'
import { receivePush } from './push.ts'
import type { ServedRemote } from './remote.ts'
import type { Scanners } from './scanners.ts'
import { askedFor } from './target.ts'
import type { Asked } from './target.ts'
import { NOT_SERVED, unknownText } from './words.ts'

const BUSY = 'bot-bottle: too many requests at this gate at one time. Wait for the others to end.\n'

/** What one request gets from all the others. */
export interface Serving {
  served(): ReadonlyMap<string, ServedRemote>
  known(): KnownPrints | undefined
  readonly scanners: Scanners
  readonly limits: GateLimits
  log(line: Omit<LogLine, 'at' | 'bottle' | 'generation'>): void
}

const TEXT = 'text/plain; charset=utf-8'
const PUSH_REQUEST = 'application/x-git-receive-pack-request'
const FETCH_REQUEST = 'application/x-git-upload-pack-request'

export function serveRequest(serving: Serving): Serve {
  // Pushes that stop in the middle keep no fetch waiting.
  const working = { 'git-upload-pack': 0, 'git-receive-pack': 0 }
  return async (request, answer) => {
    const served = serving.served()
    const named = (name: string): ServedRemote | undefined =>
      served.get(name) ?? (controls.on('declared-names') ? undefined : [...served.values()][0])
    const asked = askedFor(request.method, request.target, (name) => named(name) !== undefined)
    switch (asked.kind) {
      case 'unknown':
        return say(answer, 404, unknownText([...served.keys()]))
      case 'not-served':
        return say(answer, asked.what === 'dumb-http' ? 404 : 403, `bot-bottle: ${NOT_SERVED[asked.what]}\n`)
      case 'refs':
      case 'service': {
        const remote = named(asked.remote)
        if (remote === undefined) return say(answer, 404, unknownText([...served.keys()]))
        if (working[asked.service] >= serving.limits.working) return say(answer, 503, BUSY)
        working[asked.service] += 1
        try {
          return await remote.using(() => answerFor(serving, remote, asked, request, answer))
        } finally {
          working[asked.service] -= 1
        }
      }
    }
  }
}

async function answerFor(
  serving: Serving,
  remote: ServedRemote,
  asked: Extract<Asked, { service: string }>,
  request: GateRequest,
  answer: GateAnswer,
): Promise<void> {
  try {
    await dispatch(serving, remote, asked, request, answer)
  } catch (error) {
    if (error instanceof UpstreamFailed) {
      tell(serving, remote, asked, 'deny', error.trouble.rule)
      return say(answer, 502, `bot-bottle: ${error.trouble.message}\n`)
    }
    if (error instanceof NotPkt || error instanceof NotServed)
      return say(answer, 400, `bot-bottle: ${NOT_SERVED.method}\n`)
    throw error
  }
}

async function dispatch(
  serving: Serving,
  remote: ServedRemote,
  { kind, service }: Extract<Asked, { service: string }>,
  request: GateRequest,
  answer: GateAnswer,
): Promise<void> {
  const { mirror } = remote
  if (service === 'git-receive-pack') serving.scanners.warm()
  if (kind === 'refs') {
    const facts = await mirror.refresh()
    remote.trouble = undefined
    if (service === 'git-upload-pack') {
      tell(serving, remote, { service }, 'allow', 'fetch')
      return serveRefs(mirror.path, request, answer)
    }
    await answer.head(200, 'application/x-git-receive-pack-advertisement')
    return answer.write(advertisement(facts))
  }
  const type = service === 'git-upload-pack' ? FETCH_REQUEST : PUSH_REQUEST
  if (request.type !== type) return say(answer, 403, `bot-bottle: ${NOT_SERVED.method}\n`)
  if (service === 'git-upload-pack') {
    if (!mirror.exists) await mirror.refresh()
    return serveFetch(mirror.path, request, answer, serving.limits)
  }
  const outcome = await receivePush(
    {
      remote: () => remote.remote,
      link: () => remote.link(),
      mirror,
      known: serving.known,
      scanners: serving.scanners,
      folder: remote.incoming,
      limits: serving.limits,
      inTurn: remote.inTurn,
    },
    request,
    answer,
  )
  if (outcome === undefined) return
  const { decision, rules, refs } = outcome
  const path = `/${remote.remote.name}.git ${refs.join(' ')}`
  const [rule = 'push'] = rules
  tell(serving, remote, { service, path }, decision, rule)
}

function tell(
  serving: Serving,
  { remote }: ServedRemote,
  { service, path }: { readonly service: string; readonly path?: string },
  decision: LogLine['decision'],
  rule: string,
): void {
  const { host, port } = remote.url
  const method = service === 'git-upload-pack' ? 'git-fetch' : 'git-push'
  serving.log({ decision, rule, method, host, port, path: path ?? `/${remote.name}.git` })
}

async function say(answer: GateAnswer, status: number, text: string): Promise<void> {
  await answer.head(status, TEXT)
  await answer.write(Buffer.from(text))
}
