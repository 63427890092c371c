/** Clone and fetch: the mirror as it was refreshed for this request, served by git itself. */
import { safeText } from '../../src/model/text.ts'
import { WireClosed } from '../http/wire.ts'
import type { GateAnswer, GateRequest } from './exchange.ts'
import { startGit } from './git.ts'
import type { GitChild } from './git.ts'
import type { GateLimits } from './limits.ts'
import { FLUSH, pkt } from './pkt.ts'

/** The client sends more than any client needs, or git could not serve it. */
export class NotServed extends Error {
  override readonly name = 'NotServed'
}

const ADVERTISEMENT = 'application/x-git-upload-pack-advertisement'
const RESULT = 'application/x-git-upload-pack-result'

export async function serveRefs(repository: string, request: GateRequest, answer: GateAnswer): Promise<void> {
  const child = uploadPack(repository, request, ['--advertise-refs'])
  child.stdin.end()
  await answer.head(200, ADVERTISEMENT)
  // From version 2 on the list begins by itself (gitprotocol-v2).
  if (request.protocol !== 'version=2')
    await answer.write(Buffer.concat([pkt('# service=git-upload-pack\n'), FLUSH]))
  await copyOut(child, answer)
}

/** What is asked is handed on as git takes it, and what git says as the client does: neither is kept here. */
export async function serveFetch(
  repository: string,
  request: GateRequest,
  answer: GateAnswer,
  limits: GateLimits,
): Promise<void> {
  const child = uploadPack(repository, request, [])
  const asked = handOn(child, request, limits.askedBytes)
  asked.catch(() => child.end())
  let begun = false
  try {
    const begin = (): Promise<void> => {
      begun = true
      return answer.head(200, RESULT)
    }
    await copyOut(child, answer, begin, asked)
  } catch (error) {
    if (begun && error instanceof NotServed) throw new WireClosed(error.message)
    throw error
  } finally {
    child.end()
  }
}

async function handOn(child: GitChild, request: GateRequest, max: number): Promise<void> {
  let isGone = false
  void child.gone.then(() => (isGone = true))
  let length = 0
  for (let piece = await request.next(); piece !== undefined; piece = await request.next()) {
    length += piece.length
    if (length > max) throw new NotServed('the request is too large')
    if (isGone || child.stdin.write(piece)) continue
    await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), child.gone])
  }
  child.stdin.end()
}

function uploadPack(repository: string, request: GateRequest, options: readonly string[]): GitChild {
  const env = request.protocol === undefined ? {} : { GIT_PROTOCOL: request.protocol }
  const args = ['upload-pack', '--strict', '--stateless-rpc', ...options, repository]
  return startGit(args, { repository, env, signal: request.signal })
}

/**
 * No faster than the client takes it: a full pipe stops git. What git says at last is for the client too. `begin`: before
 * the first byte; `asked`: what git still reads, which may fail.
 */
async function copyOut(
  child: GitChild,
  answer: GateAnswer,
  begin: () => Promise<void> = () => Promise.resolve(),
  asked: Promise<void> = Promise.resolve(),
): Promise<void> {
  let length = 0
  for await (const piece of child.stdout as AsyncIterable<Buffer>) {
    if (length === 0) await begin()
    length += piece.length
    await answer.write(piece)
  }
  const { code, stderr } = await child.gone
  await asked
  if (length > 0) return
  await begin()
  if (code === 0) return
  const why = stderr.split('\n').find((line) => line.startsWith('fatal: ')) ?? 'it was ended'
  await answer.write(pkt(`ERR bot-bottle: ${safeText(why.replace('fatal: ', ''), 200)}`))
}
