import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { ForgeError } from '../../../src/model/forge-error.ts'
import { createSshKey, sshFingerprint } from '../../../src/model/ssh-key.ts'
import type { Forge } from '../../../src/ports/forge.ts'
import { openServer } from '../../conformance/forges/server.ts'
import type { ApiServer, Asked, Reply } from '../../conformance/forges/server.ts'
import { giteaAt, KEY, LISTED, NEVER, TOKEN } from './lab.ts'

const open: ApiServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function serving(reply: (asked: Asked) => Reply | undefined): Promise<ApiServer> {
  const server = await openServer(reply)
  open.push(server)
  return server
}

const at = ({ port }: { readonly port: number }, timeoutMs = 5_000): Forge =>
  giteaAt(`http://127.0.0.1:${port}/api/v1`, { timeoutMs })

async function errorOf(work: Promise<unknown>): Promise<ForgeError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ForgeError)) throw new Error(`no error of a forge: ${inspect(error)}`)
  return error
}

/** Everything but the creation succeeds. */
const onPost =
  (reply: Reply) =>
  ({ method }: Asked): Reply =>
    method === 'POST' ? reply : { status: 200, body: [], headers: { 'x-total-count': '0' } }
const listing = (keys: readonly unknown[]): Reply => ({
  status: 200,
  body: keys,
  headers: { 'x-total-count': String(keys.length) },
})

interface Row {
  readonly answer: string
  readonly reply: Reply
  readonly list: Partial<ForgeError>
  /** Of the answer to a creation, where it is another. */
  readonly create?: Partial<ForgeError>
  readonly hint: RegExp
}

const ROWS: readonly Row[] = [
  {
    answer: '401',
    reply: { status: 401, body: { message: 'token is expired' } },
    list: { code: 'forge-unauthorized', fate: 'refused', transient: false },
    hint: /GITEA_TOKEN .* expired/,
  },
  {
    answer: '403',
    reply: { status: 403, body: { message: 'token does not have at least one of required scope(s)' } },
    list: { code: 'forge-forbidden', fate: 'refused', transient: false },
    hint: /GITEA_TOKEN needs scope write:repository/,
  },
  {
    answer: '404',
    reply: { status: 404, body: { message: 'GetUserByName' } },
    list: { code: 'forge-repository', fate: 'refused', transient: false },
    hint: /`repo`/,
  },
  {
    answer: '404 of a web server',
    reply: { status: 404, body: '<html>nothing here</html>' },
    list: { code: 'forge-not-json', fate: 'refused', transient: false },
    hint: /`api` is the URL of the API/,
  },
  {
    answer: '405',
    reply: { status: 405, body: { message: 'method not allowed' } },
    list: { code: 'forge-refused', fate: 'refused', transient: false },
    hint: /`provider` and `api`/,
  },
  {
    answer: '429 with seconds',
    reply: { status: 429, headers: { 'retry-after': '17' }, body: { message: 'slow down' } },
    list: { code: 'forge-rate-limited', fate: 'refused', transient: true, retryAfterMs: 17_000 },
    hint: /in 17 s/,
  },
  {
    answer: '429 without a word',
    reply: { status: 429 },
    list: { code: 'forge-rate-limited', fate: 'refused', transient: true, retryAfterMs: undefined },
    hint: /wait a minute/,
  },
  {
    answer: '403 that is a limit',
    reply: { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '946684800' } },
    list: { code: 'forge-rate-limited', transient: true, retryAfterMs: 0 },
    hint: /in 0 s/,
  },
  {
    answer: '502 in HTML',
    reply: { status: 502, body: '<html>Bad Gateway</html>' },
    list: { code: 'forge-unavailable', fate: 'refused', transient: true },
    create: { code: 'forge-unavailable', fate: 'unknown', transient: true },
    hint: /nothing is done twice/,
  },
  {
    answer: 'a login page',
    reply: { status: 200, body: '<html>Sign in</html>' },
    list: { code: 'forge-not-json', fate: 'refused', transient: false },
    create: { code: 'forge-not-json', fate: 'unknown', transient: false },
    hint: /a login page/,
  },
  {
    answer: 'JSON that is cut off',
    reply: { status: 200, headers: { 'content-type': 'application/json' }, body: '[{"id":' },
    list: { code: 'forge-not-json', fate: 'refused' },
    create: { code: 'forge-not-json', fate: 'unknown' },
    hint: /`api`/,
  },
  {
    answer: 'JSON of another shape',
    reply: { status: 200, body: { keys: [] } },
    list: { code: 'forge-answer', fate: 'refused' },
    create: { code: 'forge-answer', fate: 'unknown' },
    hint: /version of the forge/,
  },
  {
    answer: 'a redirect',
    reply: { status: 307, headers: { location: 'https://elsewhere.example/x?y=z' } },
    list: { code: 'forge-redirect', fate: 'refused', transient: false },
    hint: /never followed with the token/,
  },
]

describe('what a forge answers', () => {
  it.each(ROWS)('$answer has a text of its own', async ({ reply, list, create, hint }) => {
    const listed = await errorOf(at(await serving(() => reply)).list('acme/app', NEVER))
    expect(listed).toMatchObject(list)
    expect(listed.exit).toBe(4)
    expect(listed.message).toMatch(
      /^cannot list the deploy keys of acme\/app at http:\/\/127\.0\.0\.1:\d+\/api\/v1: /,
    )
    expect(listed.hint).toMatch(hint)
    const created = await errorOf(at(await serving(onPost(reply))).create('acme/app', KEY, NEVER))
    expect(created).toMatchObject(create ?? list)
    expect(created.message).toMatch(/^cannot make a deploy key for acme\/app at /)
  })

  it('a date to wait for is waited for', async () => {
    const reply = { status: 429, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } }
    const { retryAfterMs } = await errorOf(at(await serving(() => reply)).list('acme/app', NEVER))
    expect(retryAfterMs).toBeGreaterThan(50_000)
    expect(retryAfterMs).toBeLessThanOrEqual(60_000)
  })

  it('a duplicate that the repository does not have is in use elsewhere', async () => {
    for (const message of [
      'Key content has been used as non-deploy key',
      'A key with the same name already exists',
    ])
      expect(
        await errorOf(
          at(await serving(onPost({ status: 422, body: { message } }))).create('acme/app', KEY, NEVER),
        ),
      ).toMatchObject({ code: 'forge-key-in-use', message: expect.stringContaining(message) })
  })

  it('another refusal of a key is told in the forge’s words, made safe', async () => {
    const body = { message: 'Invalid key\u001b[31m content\u202e' }
    const error = await errorOf(
      at(await serving(onPost({ status: 422, body }))).create('acme/app', KEY, NEVER),
    )
    expect(error.code).toBe('forge-refused')
    expect(error.message).toContain('Invalid key\\u{1b}[31m content\\u{202e}')
  })

  it('[GIT-23] a token that the forge repeats is not repeated by us, and no redirect gets it', async () => {
    const elsewhere = await serving(() => listing([]))
    const replies: readonly Reply[] = [
      { status: 401, body: { message: `bad token ${TOKEN}` } },
      { status: 422, body: { message: TOKEN } },
      ...[301, 302, 303, 307, 308].map((status) => ({
        status,
        headers: { location: `http://127.0.0.1:${elsewhere.port}/api/v1/${TOKEN}` },
      })),
    ]
    for (const reply of replies)
      for (const server of [await serving(() => reply), await serving(onPost(reply))]) {
        const error = await errorOf(at(server).create('acme/app', KEY, NEVER))
        for (const shown of [
          inspect(error, { depth: 9, showHidden: true }),
          JSON.stringify(error),
          `${error.stack}`,
        ])
          expect(shown).not.toContain(TOKEN)
      }
    expect(elsewhere.seen).toEqual([])
  })

  it('shows the token in one field and nowhere else', async () => {
    const server = await serving(({ method }) =>
      method === 'POST' ? { status: 201, body: LISTED } : listing([]),
    )
    await at(server).create('acme/app', KEY, NEVER)
    for (const { path, query, body, headers } of server.seen) {
      expect(headers.authorization).toBe(`token ${TOKEN}`)
      const { authorization: _, ...rest } = headers
      expect(JSON.stringify([path, `${query}`, body, rest])).not.toContain(TOKEN)
    }
  })
})

describe('effects are read back', () => {
  it('a key with another access than asked for is revoked again', async () => {
    const keys = new Map<number, object>()
    const server = await serving(({ method, path }) => {
      if (method === 'GET') return listing([...keys.values()])
      if (method === 'DELETE')
        return keys.delete(Number(path.split('/').at(-1))) ? { status: 204 } : { status: 404 }
      keys.set(7, { ...LISTED, read_only: false })
      return { status: 201, body: keys.get(7) }
    })
    expect(await errorOf(at(server).create('acme/app', KEY, NEVER))).toMatchObject({
      code: 'forge-setting-ignored',
      message: expect.stringContaining('may fetch and push where one that may only fetch was asked for'),
    })
    expect([...keys]).toEqual([])
  })

  it('an answer about another key is none', async () => {
    const other = { ...LISTED, key: createSshKey().publicKey }
    const error = await errorOf(
      at(await serving(onPost({ status: 201, body: other }))).create('acme/app', KEY, NEVER),
    )
    expect(error).toMatchObject({ code: 'forge-answer', fate: 'unknown' })
  })

  it.each([
    [204, true],
    [404, false],
  ])('a key that is listed still is not revoked, also after %d', async (status, transient) => {
    const server = await serving(({ method }) =>
      method === 'GET'
        ? listing([LISTED])
        : { status, ...(status === 404 && { body: { message: 'Not found' } }) },
    )
    const seen = { forgeId: '7', fingerprint: sshFingerprint(KEY.publicKey) ?? '' }
    const error = await errorOf(at(server).revoke('acme/app', seen, NEVER))
    expect(error).toMatchObject({ code: 'forge-not-revoked', transient })
  })

  it('a list that changes while it is read is read again, and given up where it never holds still', async () => {
    let number = 0
    // Each page is right by itself: one key of two, and never the same one is missing.
    const server = await serving(({ query }) => {
      number += 1
      const page = query.get('page') === '1' ? [{ ...LISTED, id: number }] : [{ ...LISTED, id: number - 1 }]
      return { status: 200, body: page, headers: { 'x-total-count': '2' } }
    })
    expect(await errorOf(at(server).list('acme/app', NEVER))).toMatchObject({
      code: 'forge-list-unstable',
      transient: true,
    })
    expect(server.seen.length).toBe(6)
  })

  it('a list without an end is given up', async () => {
    let id = 0
    const server = await serving(() => ({ status: 200, body: [{ ...LISTED, id: (id += 1) }] }))
    expect(await errorOf(at(server).list('acme/app', NEVER))).toMatchObject({ code: 'forge-list-endless' })
  })
})

describe('no answer', () => {
  const raw = async (talk: string | undefined) => {
    const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => talk !== undefined && socket.end(talk))) // prettier-ignore
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    return { port: (server.address() as AddressInfo).port, close: () => void server.close() }
  }

  it('none in time', async () => {
    const silent = await raw(undefined)
    expect(await errorOf(at(silent, 200).list('acme/app', NEVER))).toMatchObject({
      code: 'forge-timeout',
      fate: 'unknown',
      transient: true,
    })
    silent.close()
  })

  it('one that drips counts as none', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n'
    const server = createServer((socket) => {
      socket.on('error', () => {}).write(head)
      const timer = setInterval(() => socket.write(' '), 20)
      socket.once('close', () => clearInterval(timer))
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    expect(await errorOf(at({ port }, 300).list('acme/app', NEVER))).toMatchObject({ code: 'forge-timeout' })
    server.close()
  })

  it('ends at once with the signal', async () => {
    const stop = new AbortController()
    const server = await serving(() => void stop.abort(new Error('stopped by hand')))
    await expect(at(server, 60_000).list('acme/app', stop.signal)).rejects.toThrow('stopped by hand')
  })

  it('nobody there', async () => {
    const gone = await raw(undefined)
    gone.close()
    expect(await errorOf(at(gone).list('acme/app', NEVER))).toMatchObject({
      code: 'forge-unreachable',
      fate: 'unsent',
      transient: true,
      message: expect.stringContaining(`127.0.0.1:${gone.port} does not take the connection (ECONNREFUSED)`),
    })
  })

  it('a name that nobody knows', async () => {
    const error = await errorOf(giteaAt('https://forge.invalid/api/v1').list('acme/app', NEVER))
    expect(error).toMatchObject({ code: 'forge-name', fate: 'unsent' })
  })

  it('something that does not speak HTTP', async () => {
    const server = await raw('SSH-2.0-OpenSSH_9.2\r\n')
    expect(await errorOf(at(server).list('acme/app', NEVER))).toMatchObject({ code: 'forge-not-http' })
    server.close()
  })

  it('more than anybody needs', async () => {
    const server = await serving(() => listing([{ ...LISTED, title: 'x'.repeat(5 * 1024 * 1024) }]))
    expect(await errorOf(at(server).list('acme/app', NEVER))).toMatchObject({ code: 'forge-too-large' })
  })
})
