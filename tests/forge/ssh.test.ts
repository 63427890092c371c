/** What a deploy key is good for, at the SSH server of a real forge whose host key is pinned. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { downForge, upForge } from '../../scripts/labs/forge.ts'
import type { ForgeLab } from '../../scripts/labs/forge.ts'
import { gitea } from '../../src/forges/gitea.ts'
import { openForge } from '../../src/forges/rest/forge.ts'
import { Secret } from '../../src/model/secret.ts'
import { createSshKey } from '../../src/model/ssh-key.ts'
import type { DeployKey, Forge } from '../../src/ports/forge.ts'

const name = `forge-ssh-${process.pid}`
const signal = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'bb-forge-ssh-'))
let lab: ForgeLab
let forge: Forge
beforeAll(async () => {
  lab = await upForge(name)
  const { api, token } = lab
  forge = openForge(gitea, {
    api,
    token: new Secret(token),
    tokenName: 'GITEA_TOKEN',
    allowPrivate: true,
    trust: [],
  })
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await downForge(name)
})

interface Identity {
  readonly key: DeployKey
  readonly file: string
}

async function identity(readOnly: boolean): Promise<Identity> {
  const { publicKey, privateKey } = createSshKey()
  const key = await forge.create(
    lab.repository,
    { title: `key ${readOnly} ${Date.now()}`, publicKey, readOnly },
    signal,
  )
  const file = join(folder, `key-${key.forgeId}`)
  writeFileSync(file, privateKey.reveal(), { mode: 0o600 })
  return { key, file }
}

/** git with this key and this host key alone; what it said, refusals too. */
async function git({ file }: Identity, argv: readonly string[], hostKey = lab.ssh.hostKey): Promise<string> {
  const known = join(folder, 'known_hosts')
  writeFileSync(known, `[127.0.0.1]:${lab.ssh.port} ${hostKey}\n`)
  const options = ['StrictHostKeyChecking=yes', `UserKnownHostsFile=${known}`, 'IdentitiesOnly=yes', 'IdentityAgent=none', 'BatchMode=yes'] // prettier-ignore
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_SSH_COMMAND: `ssh -F /dev/null -i ${file} ${options.map((option) => `-o ${option}`).join(' ')}`,
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@lab.example',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@lab.example',
  }
  return promisify(execFile)('git', argv, { env, cwd: folder }).then(
    ({ stdout, stderr }) => `${stdout}${stderr}`,
    (error: { readonly stderr?: string }) => `refused: ${error.stderr ?? String(error)}`,
  )
}

const url = () => `${lab.ssh.url}/${lab.repository}.git`

describe('a deploy key at a real forge', () => {
  it('opens its repository for fetching, and pushes only when it may', async () => {
    const [reading, writing] = [await identity(true), await identity(false)]
    expect(await git(reading, ['ls-remote', url(), 'refs/heads/main'])).toMatch(
      /^[0-9a-f]{40}\trefs\/heads\/main\n$/,
    )
    expect(await git(writing, ['clone', '-q', url(), 'work'])).toBe('')
    expect(await git(writing, ['-C', 'work', 'commit', '-q', '--allow-empty', '-m', 'from a bottle'])).toBe(
      '',
    )
    expect(await git(reading, ['-C', 'work', 'push', '-q', 'origin', 'HEAD:refs/heads/agent/x'])).toMatch(
      /^refused: /,
    )
    expect(await git(reading, ['ls-remote', url(), 'refs/heads/agent/x'])).toBe('')
    await git(writing, ['-C', 'work', 'push', '-q', 'origin', 'HEAD:refs/heads/agent/x'])
    expect(await git(reading, ['ls-remote', url(), 'refs/heads/agent/x'])).toContain('refs/heads/agent/x')
  })

  it('opens no other repository, and nothing once it is revoked', async () => {
    const one = await identity(true)
    expect(await git(one, ['ls-remote', `${lab.ssh.url}/lab/other.git`])).toMatch(/^refused: /)
    expect(await git(one, ['ls-remote', url()])).toContain('refs/heads/main')
    await forge.revoke(lab.repository, one.key, signal)
    expect(await git(one, ['ls-remote', url()])).toMatch(/^refused: .*Permission denied/s)
  })

  it('is not shown to a server with another host key than the pinned one', async () => {
    const one = await identity(true)
    const other = createSshKey().publicKey
    expect(await git(one, ['ls-remote', url()], other)).toMatch(/^refused: .*Host key verification failed/s)
  })
})
