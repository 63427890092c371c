/** The life of deploy keys through the whole program, against a forge that answers as its documents say, or wrongly. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DIALECTS, openForgeNamed } from '../../../src/cli/stack/forges.ts'
import { Secret } from '../../../src/model/secret.ts'
import { sshFingerprint } from '../../../src/model/ssh-key.ts'
import { openDeployKeys } from '../../../src/state/deploy-keys.ts'
import { openHome } from '../../../src/state/home.ts'
import { openGitHub } from '../../conformance/forges/github-server.ts'
import type { GitHubServer } from '../../conformance/forges/github-server.ts'
import type { Asked, Reply } from '../../conformance/forges/server.ts'
import { openProgram } from './program.ts'

const TOKEN = 'canary-forge-token-5d1e'
const never = new AbortController().signal

let program: ReturnType<typeof openProgram>
let server: GitHubServer
beforeEach(async () => {
  program = openProgram()
  server = await openGitHub(TOKEN)
  server.addRepository('acme/app')
  declare('push: { allow: [refs/heads/agent/*] }')
})
afterEach(async () => {
  program.close()
  await server.close()
})

function declare(push: string): void {
  program.write(
    'bottles.yaml',
    `version: 1
stack: acme
bottles:
  dev:
    git:
      remotes:
        origin:
          url: git@github.com:acme/app.git
          host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
          provisioned_key: { provider: github, api: "http://127.0.0.1:${server.port}", token_ref: FORGE, allow_private: true }
          ${push}
`,
  )
}

const run = (line: string, typed?: string) =>
  program.run(line, { env: { FORGE: TOKEN }, ...(typed !== undefined && { terminal: true, stdin: typed }) })
const rows = () => {
  const home = openHome({ env: { HOME: program.folder } })
  return openDeployKeys({ home, engineId: 'memory-engine', stack: 'acme' })
}
const listed = async () => {
  server.answerWith(undefined)
  const api = `http://127.0.0.1:${server.port}`
  const access = { api, token: new Secret(TOKEN), tokenName: 'FORGE', allowPrivate: true, trust: [] }
  return (await openForgeNamed('github', access, DIALECTS)).list('acme/app', never)
}
const is = ({ method }: Asked, wanted: 'POST' | 'DELETE') => method === wanted
/** The forge does it, and from then on nothing is heard of it. */
function lost(wanted: 'POST' | 'DELETE') {
  let isLost = false
  return (asked: Asked, usual: () => Reply): Reply => {
    const answer = isLost ? undefined : usual()
    isLost ||= is(asked, wanted)
    return isLost || answer === undefined ? { status: 502, body: 'bad gateway' } : answer
  }
}

describe('[GIT-22] a deploy key', () => {
  it('is not made by looking, or by a plan that was declined', async () => {
    program.write('bottles.yaml', 'version: 1\nstack: acme\nbottles: { before: {} }\n')
    expect((await run('apply -y')).code).toBe(0)
    declare('push: { allow: [refs/heads/agent/*] }')
    for (const looking of ['diff', 'status', 'keys']) await run(looking)
    const { code, stderr } = await run('apply', 'n\n')
    expect([code, stderr]).toEqual([5, expect.stringContaining('not confirmed, nothing was done')])
    expect(server.seen.filter(({ method }) => method !== 'GET')).toEqual([])
    expect(rows().rows().rows).toEqual([])
    expect((await run('apply', 'y\n')).code).toBe(0)
    expect(await listed()).toHaveLength(1)
  })

  it.each([
    ['may only fetch where no push is declared', '', true],
    ['may push where one is', 'push: { allow: [refs/heads/agent/*] }', false],
  ])('%s', async (_, push, readOnly) => {
    declare(push)
    expect((await run('apply -y')).code).toBe(0)
    expect((await listed()).map((key) => key.readOnly)).toEqual([readOnly])
  })

  it.each<readonly [string, Reply]>([
    ['422', { status: 422, body: { message: 'Validation Failed', errors: [{ message: 'is invalid' }] } }],
    ['500', { status: 500, body: 'oops' }],
    ['a page of a proxy', { status: 200, body: '<html>sign in</html>' }],
  ])(
    'whose creation was answered by %s is a failure by name, and made by the next run',
    async (_, answer) => {
      server.answerWith((asked, usual) => (is(asked, 'POST') ? answer : usual()))
      const { code, stdout, stderr } = await run('apply -y')
      expect(code).toBe(4)
      expect(`${stdout}${stderr}`).toContain('key/dev/origin')
      expect(await listed()).toEqual([])
      expect((await run('apply -y')).code).toBe(0)
      expect(await listed()).toHaveLength(1)
    },
  )

  it('whose creation was done and never answered is the one that the next run goes on with', async () => {
    server.answerWith(lost('POST'))
    expect((await run('apply -y')).code).toBe(4)
    const [made, ...more] = await listed()
    expect(more).toEqual([])
    expect((await run('apply -y')).code).toBe(0)
    expect(await listed()).toEqual([made])
  })

  it('that could not be revoked is named, ends with 4, and goes with the next destroy', async () => {
    await run('apply -y')
    server.answerWith((asked, usual) =>
      is(asked, 'DELETE') ? { status: 403, body: { message: 'no' } } : usual(),
    )
    const { code, stdout, stderr } = await run('destroy -y')
    expect(code).toBe(4)
    expect(`${stdout}${stderr}`).toContain('key/dev/origin')
    expect(await listed()).toHaveLength(1)
    expect((await run('destroy -y')).code).toBe(0)
    expect(await listed()).toEqual([])
    expect(rows().rows().rows).toEqual([])
  })

  it('whose revocation was done and never answered is found to be gone', async () => {
    await run('apply -y')
    server.answerWith(lost('DELETE'))
    expect((await run('destroy -y')).code).toBe(4)
    expect(await listed()).toEqual([])
    expect((await run('destroy -y')).code).toBe(0)
    expect(rows().rows().rows).toEqual([])
  })

  it('of ours that nobody holds is found by its title, shown, and revoked', async () => {
    await run('apply -y')
    const [orphan] = await listed()
    rows().forget(rows().rows().rows[0]?.id ?? '')
    expect((await run('diff')).stdout).toContain('key/dev/origin')
    expect((await run('apply -y')).code).toBe(0)
    const [key, ...more] = await listed()
    expect(more).toEqual([])
    expect(key?.fingerprint).not.toBe(orphan?.fingerprint)
    expect(
      rows()
        .rows()
        .rows.map(({ publicKey }) => sshFingerprint(publicKey)),
    ).toEqual([key?.fingerprint])
  })
})
