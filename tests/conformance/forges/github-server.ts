/**
 * GitHub's deploy keys as its public documents have them (REST API 2022-11-28: deploy keys, pagination,
 * troubleshooting): a public key is in use once at the whole of GitHub, deploy keys are immutable, pages of at most 100
 * are linked, every request names its program.
 */
import { randomInt } from 'node:crypto'
import { openServer } from './server.ts'
import type { ApiServer, Asked, Reply } from './server.ts'

interface Key {
  readonly id: number
  readonly key: string
  readonly url: string
  readonly title: string
  readonly verified: true
  readonly created_at: string
  readonly read_only: boolean
  readonly added_by: string
  readonly last_used: string | null
  readonly enabled: true
}

export interface GitHubServer extends ApiServer {
  addRepository(name: string): void
  removeRepository(name: string): void
  /** From now on, in place of the usual answer; whoever does not call `usual` has nothing done. `undefined`: the usual one again. */
  answerWith(answer: ((asked: Asked, usual: () => Reply) => Reply) | undefined): void
}

const NOT_FOUND: Reply = {
  status: 404,
  body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' },
}

export async function openGitHub(token: string): Promise<GitHubServer> {
  const repositories = new Map<string, Map<number, Key>>()
  let otherwise: ((asked: Asked, usual: () => Reply) => Reply) | undefined
  const server = await openServer((asked) => otherwise?.(asked, () => reply(asked)) ?? reply(asked))
  return Object.assign(server, {
    answerWith: (answer: typeof otherwise) => void (otherwise = answer),
    addRepository: (name: string) => void repositories.set(name, new Map()),
    removeRepository: (name: string) => void repositories.delete(name),
  })

  function reply(asked: Asked): Reply {
    const { method, path, headers } = asked
    if (headers['user-agent'] === undefined)
      return { status: 403, body: 'Request forbidden by administrative rules.' }
    if (headers.authorization !== `Bearer ${token}`)
      return { status: 401, body: { message: 'Bad credentials' } }
    const [, repository = '', id] = /^\/repos\/([^/]+\/[^/]+)\/keys(?:\/(\d+))?$/.exec(path) ?? []
    const keys = repositories.get(repository)
    if (keys === undefined) return NOT_FOUND
    if (method === 'GET' && id === undefined) return page([...keys.values()], asked)
    if (method === 'POST' && id === undefined) return create(repository, keys, asked)
    if (method === 'DELETE' && id !== undefined) return keys.delete(Number(id)) ? { status: 204 } : NOT_FOUND
    return NOT_FOUND
  }

  function create(repository: string, keys: Map<number, Key>, { body }: Asked): Reply {
    const { title, key: written, read_only = false } = JSON.parse(body) as { title: string; key: string; read_only?: boolean } // prettier-ignore
    // The comment is not kept.
    const key = written.split(' ').slice(0, 2).join(' ')
    const isTaken = [...repositories.values()].some((all) =>
      [...all.values()].some((other) => other.key === key),
    )
    if (isTaken) {
      const error = { resource: 'PublicKey', code: 'custom', field: 'key', message: 'key is already in use' }
      return { status: 422, body: { message: 'Validation Failed', errors: [error] } }
    }
    const id = randomInt(1, 2 ** 40)
    const url = `https://api.github.com/repos/${repository}/keys/${id}`
    const created_at = new Date().toISOString().replace(/\.\d+/, '')
    const made: Key = { id, key, url, title, verified: true, created_at, read_only, added_by: 'octocat', last_used: null, enabled: true } // prettier-ignore
    keys.set(id, made)
    return { status: 201, headers: { location: url }, body: made }
  }

  function page(keys: readonly Key[], { path, query }: Asked): Reply {
    const size = Math.min(Number(query.get('per_page') ?? 30), 100)
    const number = Number(query.get('page') ?? 1)
    const last = Math.max(1, Math.ceil(keys.length / size))
    const link = (to: number, rel: string) =>
      `<https://api.github.com${path}?per_page=${size}&page=${to}>; rel="${rel}"`
    const links = [
      ...(number > 1 ? [link(number - 1, 'prev'), link(1, 'first')] : []),
      ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
    ]
    return {
      status: 200,
      body: keys.slice((number - 1) * size, number * size),
      headers: { ...(links.length > 0 && { link: links.join(', ') }), 'x-ratelimit-remaining': '4999' },
    }
  }
}
