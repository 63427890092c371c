/**
 * GitLab's deploy keys as its public documents have them (deploy keys API, REST API pagination): a project is named by
 * its percent-encoded path; a key is the instance's and enabled in projects, each with `can_push` of its own; one that
 * the project has already is answered as it is; one of a project that the same user reaches is joined.
 */
import { openServer } from './server.ts'
import type { ApiServer, Asked, Reply } from './server.ts'

interface Key {
  readonly id: number
  readonly title: string
  readonly key: string
  readonly fingerprint_sha256: string
  readonly created_at: string
  readonly expires_at: null
}

export interface GitLabServer extends ApiServer {
  addProject(path: string): void
  /** A key that another user has somewhere: it can be neither seen nor joined. */
  addForeignKey(publicKey: string): void
}

export async function openGitLab(token: string): Promise<GitLabServer> {
  const projects = new Map<string, Map<number, boolean>>()
  const keys = new Map<number, Key>()
  const foreign = new Set<string>()
  let last = 0
  const server = await openServer(reply)
  return Object.assign(server, {
    addProject: (path: string) => void projects.set(path, new Map()),
    addForeignKey: (publicKey: string) => void foreign.add(publicKey),
  })

  function reply(asked: Asked): Reply {
    const { method, path, headers } = asked
    if (headers['private-token'] !== token) return { status: 401, body: { message: '401 Unauthorized' } }
    const [, project = '', id] = /^\/api\/v4\/projects\/([^/]+)\/deploy_keys(?:\/(\d+))?$/.exec(path) ?? []
    const enabled = projects.get(decodeURIComponent(project))
    if (enabled === undefined) return { status: 404, body: { message: '404 Project Not Found' } }
    if (method === 'GET' && id === undefined) return page(enabled, asked)
    if (method === 'POST' && id === undefined) return create(enabled, asked)
    if (method === 'DELETE' && enabled.delete(Number(id))) {
      if (![...projects.values()].some((other) => other.has(Number(id)))) keys.delete(Number(id))
      return { status: 204 }
    }
    return { status: 404, body: { message: '404 Deploy Key Not Found' } }
  }

  function create(enabled: Map<number, boolean>, { body }: Asked): Reply {
    const {
      title,
      key,
      can_push = false,
    } = JSON.parse(body) as { title: string; key: string; can_push?: boolean }
    if (foreign.has(key))
      return {
        status: 400,
        body: { message: { 'deploy_key.fingerprint_sha256': ['has already been taken'] } },
      }
    const known = [...keys.values()].find((other) => other.key === key)
    const id = known?.id ?? (last += 1)
    const created_at = new Date().toISOString()
    if (known === undefined)
      keys.set(id, { id, title, key, fingerprint_sha256: 'SHA256:…', created_at, expires_at: null })
    if (!enabled.has(id)) enabled.set(id, can_push)
    return { status: 201, body: shown(enabled, id) }
  }

  function shown(enabled: Map<number, boolean>, id: number) {
    return { ...keys.get(id), can_push: enabled.get(id) }
  }

  function page(enabled: Map<number, boolean>, { query }: Asked): Reply {
    const size = Math.min(Number(query.get('per_page') ?? 20), 100)
    const number = Number(query.get('page') ?? 1)
    const all = [...enabled.keys()]
    const pages = Math.max(1, Math.ceil(all.length / size))
    return {
      status: 200,
      body: all.slice((number - 1) * size, number * size).map((id) => shown(enabled, id)),
      headers: {
        'x-total': String(all.length),
        'x-total-pages': String(pages),
        'x-page': String(number),
        'x-per-page': String(size),
        'x-next-page': number < pages ? String(number + 1) : '',
        link:
          number < pages
            ? `<https://gitlab.example/next>; rel="next"`
            : `<https://gitlab.example/1>; rel="first"`,
      },
    }
  }
}
