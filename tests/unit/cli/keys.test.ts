import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DIALECTS, openForgeNamed } from '../../../src/cli/stack/forges.ts'
import { address } from '../../../src/model/address.ts'
import { keyTitle } from '../../../src/model/deploy-key.ts'
import type { KeyRow } from '../../../src/model/key-row.ts'
import { Secret } from '../../../src/model/secret.ts'
import { createSshKey } from '../../../src/model/ssh-key.ts'
import { databasePath } from '../../../src/state/database.ts'
import { openDeployKeys } from '../../../src/state/deploy-keys.ts'
import { openHome } from '../../../src/state/home.ts'
import { openGitHub } from '../../conformance/forges/github-server.ts'
import type { GitHubServer } from '../../conformance/forges/github-server.ts'
import { openProgram } from './program.ts'

const TOKEN = 'canary-forge-token-5d1e'
const FOREIGN = { installation: '0123456789abcdef', stack: 'acme', id: 'fedcba9876543210' }
const never = new AbortController().signal

let program: ReturnType<typeof openProgram>
let server: GitHubServer
beforeEach(async () => {
  program = openProgram()
  server = await openGitHub(TOKEN)
  server.addRepository('acme/app')
  program.write('bottles.yaml', manifest(server.port))
})
afterEach(async () => {
  program.close()
  await server.close()
})

const manifest = (port: number) => `version: 1
stack: acme
bottles:
  dev:
    git:
      remotes:
        origin:
          url: git@github.com:acme/app.git
          host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
          provisioned_key: { provider: github, api: "http://127.0.0.1:${port}", token_ref: FORGE, allow_private: true }
          push: { allow: [refs/heads/agent/*] }
`
const keys = (line = '', env: Readonly<Record<string, string>> = { FORGE: TOKEN }, terminal?: string) =>
  program.run(`keys ${line}`, { env, ...(terminal !== undefined && { terminal: true, stdin: terminal }) })
const state = () => {
  const home = openHome({ env: { HOME: program.folder } })
  return openDeployKeys({ home, engineId: 'memory-engine', stack: 'acme' })
}
const forge = async () =>
  openForgeNamed(
    'github',
    {
      api: `http://127.0.0.1:${server.port}`,
      token: new Secret(TOKEN),
      tokenName: 'FORGE',
      allowPrivate: true,
      trust: [],
    },
    DIALECTS,
  )

function begun(): KeyRow {
  const at = { provider: 'github', api: `http://127.0.0.1:${server.port}`, repository: 'acme/app' }
  return state().begin(
    {
      ...at,
      address: address.key('dev', 'origin'),
      readOnly: false,
      tokenRef: { from: 'env', name: 'FORGE' },
      allowPrivate: true,
      trust: [],
    },
    '2026-11-21T10:00:00.000Z',
  )
}

/** As an apply would have left it. */
async function made(): Promise<string> {
  const row = begun()
  const { title, publicKey } = row
  const { forgeId } = await (await forge()).create('acme/app', { title, publicKey, readOnly: false }, never)
  state().end(row.id, forgeId, '2026-11-21T10:00:01.000Z')
  return row.id
}

async function foreign(): Promise<void> {
  const title = keyTitle({ ...FOREIGN, address: address.key('dev', 'origin') })
  await (
    await forge()
  ).create('acme/app', { title, publicKey: createSshKey().publicKey, readOnly: true }, never)
}

describe('keys', () => {
  it('shows the keys of the stack, and how many others there are', async () => {
    const id = await made()
    await foreign()
    const { code, stdout } = await keys()
    const [head = '', line = '', last = '', ...rest] = stdout.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(head).toMatch(/^KEY +REPOSITORY +ACCESS +AGE +LAST USED +ID +STATE$/)
    expect(line).toMatch(
      new RegExp(`^key/dev/origin +127\\.0\\.0\\.1:${server.port} acme/app +fetch, push .*${id} +live$`),
    )
    expect(last).toBe('1 key live · 1 key of others: `bot-bottle keys --all`')
    expect(rest).toEqual([])
  })

  it('shows with --all whose the others are', async () => {
    await foreign()
    const { stdout } = await keys('--all')
    expect(stdout).toMatch(/fedcba9876543210 +of another installation \(0123456789abcdef acme\)/)
    expect(stdout).toMatch(/key\/dev\/origin .* not there\n/)
  })

  it.each<readonly [string, (id: string) => unknown]>([
    ['its private half is not here', (id) => state().forget(id)],
    ['another took its place', (id) => state().retire(id, '2026-11-21T11:00:00.000Z')],
    [
      'no remote declares it',
      () => program.write('bottles.yaml', 'version: 1\nstack: acme\nbottles: { dev: {} }\n'),
    ],
    [
      'it is declared with another access',
      () => program.write('bottles.yaml', manifest(server.port).replace(/ +push: .*\n/, '')),
    ],
  ])('says of a key of ours that goes: %s', async (why, happens) => {
    const id = await made()
    happens(id)
    const { stdout } = await keys()
    expect(stdout).toMatch(new RegExp(`^key/dev/origin .*${id} +to be revoked: ${why}$`, 'm'))
    expect(stdout.match(/ not there$/gm) ?? []).toHaveLength(why === 'no remote declares it' ? 0 : 1)
    expect(stdout).toContain('0 keys live')
  })

  it('says of a key that is to take the place of another that it is not verified yet', async () => {
    program.write(
      'bottles.yaml',
      manifest(server.port).replace('token_ref: FORGE', 'token_ref: FORGE, rotate: 1h'),
    )
    const id = await made()
    state().verified(id, '2026-11-21T10:00:02.000Z')
    const next = await made()
    const { stdout } = await keys()
    expect(stdout).toMatch(new RegExp(`${id} +due for rotation$`, 'm'))
    expect(stdout).toMatch(new RegExp(`${next} +not verified yet: its upstream is asked again$`, 'm'))
    program.write('bottles.yaml', manifest(server.port))
    expect((await keys()).stdout).toMatch(new RegExp(`${next} +to be revoked: another is in force$`, 'm'))
  })

  it('says of a begun key that its creation was cut short', async () => {
    begun()
    expect((await keys()).stdout).toMatch(/^key\/dev\/origin .* its creation was cut short$/m)
  })

  it('says of keys whose token cannot be had that nobody was asked', async () => {
    await made()
    const { code, stdout } = await keys('', {})
    expect(code).toBe(0)
    expect(stdout).toContain('not asked: FORGE cannot be had here')
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(
      `127.0.0.1:${server.port} was not asked about key/dev/origin, which is unknown, not missing: environment variable FORGE is not set (export FORGE and run the command again)`,
    )
  })

  it('says the same of a declared key that is not made yet', async () => {
    const { stdout } = await keys('', {})
    expect(stdout).toMatch(/^key\/dev\/origin .* not asked: FORGE cannot be had here$/m)
  })

  it('says what the forge says where it refuses', async () => {
    await made()
    const { stdout } = await keys('', { FORGE: 'another-token-value' })
    expect(stdout).toContain('not known: ')
    expect(stdout).not.toContain('another-token-value')
  })

  it('has them as JSON, without anything secret', async () => {
    const id = await made()
    const { stdout } = await keys('--output json')
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      stack: 'acme',
      keys: [{ whose: 'ours', name: 'key/dev/origin', id, readOnly: false, state: 'live' }],
    })
    expect(stdout).not.toMatch(/PRIVATE|canary/)
  })

  it('says that there is none where none is declared or held', async () => {
    program.write('bottles.yaml', 'version: 1\nstack: acme\nbottles: { dev: {} }\n')
    expect((await keys()).stdout).toBe('0 keys live\n')
  })
})

describe('keys revoke', () => {
  it('takes away the key of another installation, and no other', async () => {
    const id = await made()
    await foreign()
    expect(await keys(`revoke ${FOREIGN.id} --yes`)).toMatchObject({ code: 0 })
    const left = await (await forge()).list('acme/app', never)
    expect(left.map(({ title }) => title.endsWith(id))).toEqual([true])
  })

  it('takes away one of ours, with its private half', async () => {
    const id = await made()
    expect(await keys(`revoke ${id} --yes`)).toMatchObject({ code: 0 })
    expect(await (await forge()).list('acme/app', never)).toEqual([])
    expect(state().rows()).toEqual({ rows: [], damaged: [] })
  })

  it('asks on a terminal, and does nothing without a yes', async () => {
    const id = await made()
    expect((await keys(`revoke ${id}`, undefined, 'n\n')).code).toBe(5)
    expect((await keys(`revoke ${id}`)).code).toBe(5)
    expect(await (await forge()).list('acme/app', never)).toHaveLength(1)
    expect((await keys(`revoke ${id}`, undefined, 'y\n')).code).toBe(0)
    expect(await (await forge()).list('acme/app', never)).toEqual([])
  })

  it('knows only ids of this program', async () => {
    await made()
    const { code, stderr } = await keys('revoke 0000000000000000 --yes')
    expect(code).toBe(2)
    expect(stderr).toContain('no forge that can be asked lists a key with the id `0000000000000000`')
  })
})

describe('keys forget', () => {
  const destroy = () => program.run('destroy --yes', { env: { FORGE: TOKEN } })

  it('is the way out that destroy names where the repository was deleted', async () => {
    const id = await made()
    server.removeRepository('acme/app')
    const { code, stdout, stderr } = await destroy()
    expect(code).toBe(4)
    expect(stdout + stderr).toContain(`was the repository deleted: \`bot-bottle keys forget ${id}\``)
    expect((await destroy()).code).toBe(4)
    const forgotten = await keys(`forget ${id} --yes`)
    expect(forgotten).toMatchObject({ code: 0 })
    expect(forgotten.stdout).toMatch(/^forgotten here, not revoked: bot-bottle .* SHA256:\S+\n$/)
    expect(state().rows()).toEqual({ rows: [], damaged: [] })
    expect((await destroy()).code).toBe(0)
  })

  it('leaves a row in the journal that says what was not revoked', async () => {
    const id = await made()
    const [row] = state().rows().rows
    server.removeRepository('acme/app')
    await keys(`forget ${id} --yes`)
    const home = openHome({ env: { HOME: program.folder } })
    const path = databasePath({ home, engineId: 'memory-engine', stack: 'acme' })
    const database = new DatabaseSync(path, { readOnly: true })
    expect(database.prepare('SELECT * FROM operations').all()).toMatchObject([
      {
        address: 'key/dev/origin',
        verb: 'remove',
        outcome: 'skipped',
        object_id: row?.fingerprint,
        error_code: 'key-forgotten',
      },
    ])
    database.close()
  })

  it('refuses a key that the forge lists', async () => {
    const id = await made()
    const { code, stderr } = await keys(`forget ${id} --yes`)
    expect(code).toBe(5)
    expect(stderr).toContain(`bot-bottle keys revoke ${id}`)
    expect(state().rows().rows).toHaveLength(1)
  })

  it('says on a terminal what it means, and does nothing without a yes', async () => {
    const id = await made()
    server.removeRepository('acme/app')
    const asked = await keys(`forget ${id}`, undefined, 'n\n')
    expect(asked.code).toBe(5)
    expect(asked.stderr).toContain('whoever has its private half can use it')
    expect((await keys(`forget ${id}`)).code).toBe(5)
    expect(state().rows().rows).toHaveLength(1)
    expect((await keys(`forget ${id}`, undefined, 'y\n')).code).toBe(0)
  })

  it('knows only keys that are held here', async () => {
    const { code, stderr } = await keys('forget 0000000000000000 --yes')
    expect(code).toBe(2)
    expect(stderr).toContain('the state folder holds no deploy key with the id `0000000000000000`')
  })
})

describe('status', () => {
  it('says how many keys are live, and how old the oldest is', async () => {
    await made()
    const { stdout } = await program.run('status', { env: { FORGE: TOKEN } })
    expect(stdout).toMatch(/ · keys: 1 live, oldest \S/)
  })

  it('counts none that its forge was not asked about, and says so with the way out', async () => {
    await made()
    const { code, stdout } = await program.run('status')
    expect(code).toBe(0)
    expect(stdout).not.toContain('keys:')
    expect(stdout).toContain(
      `not known: 127.0.0.1:${server.port} was not asked about key/dev/origin, which is unknown, not missing: environment variable FORGE is not set (export FORGE`,
    )
  })
})

describe('diff', () => {
  const notes = async (env: Readonly<Record<string, string>> = {}) => {
    const { stdout } = await program.run('diff --output json', { env })
    const { notes: said, actions } = JSON.parse(stdout) as {
      notes: string[]
      actions: { address: string; verb: string }[]
    }
    return { said, keys: actions.filter(({ address: at }) => at.startsWith('key/')) }
  }

  it('says that a forge was not asked, and does not take a key that is held for missing', async () => {
    await made()
    const { said, keys: planned } = await notes()
    expect(said).toEqual([expect.stringContaining('key/dev/origin, which is unknown, not missing')])
    expect(said[0]).not.toContain('apply` ends with 2')
    expect(planned).toEqual([])
  })

  it('says of a key that is to be made that apply ends without the token', async () => {
    const { said, keys: planned } = await notes()
    expect(said).toEqual([expect.stringContaining('`apply` ends with 2 without it')])
    expect(planned).toMatchObject([{ verb: 'create' }])
  })

  it('says of a token that only apply runs or asks for where it comes from', async () => {
    program.write(
      'bottles.yaml',
      manifest(server.port).replace('token_ref: FORGE', 'token_ref: { command: [pass, show, forge] }'),
    )
    const { said } = await notes()
    expect(said).toEqual([expect.stringContaining('its token comes from command pass (`apply` runs it)')])
  })

  it('says nothing where the forge was asked', async () => {
    expect((await notes({ FORGE: TOKEN })).said).toEqual([])
  })
})

describe('explain', () => {
  it('tells a key from its remote', async () => {
    const [remote, key] = await Promise.all(
      ['remote', 'key'].map((kind) => program.run(`explain ${kind}/dev/origin`, { env: { FORGE: TOKEN } })),
    )
    expect(remote?.stdout).toContain('url')
    expect(remote?.stdout).not.toContain('token_ref')
    expect(key?.stdout).toContain('token_ref')
    expect(key?.stdout).not.toContain('host_key')
  })
})

describe('forget', () => {
  it('keeps the state of a stack while a key of it may be at a forge', async () => {
    await made()
    const { code, stderr } = await program.run('forget acme --yes --driver memory')
    expect(code).toBe(5)
    expect(stderr).toContain('1 deploy key of it may be at a forge still')
    expect(state().rows().rows).toHaveLength(1)
  })
})
