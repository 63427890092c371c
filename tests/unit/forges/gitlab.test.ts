import { describe, expect, it } from 'vitest'
import { gitlab } from '../../../src/forges/gitlab.ts'
import { openForge } from '../../../src/forges/rest/forge.ts'
import { Secret } from '../../../src/model/secret.ts'
import { createSshKey } from '../../../src/model/ssh-key.ts'
import { forgeConformance } from '../../conformance/forges/conformance.ts'
import { openGitLab } from '../../conformance/forges/gitlab-server.ts'

const TOKEN = 'glpat-0123456789abcdefghij'
const access = (port: number) => ({
  api: `http://127.0.0.1:${port}/api/v4`,
  token: new Secret(TOKEN),
  tokenName: 'GITLAB_TOKEN',
  allowPrivate: true,
  trust: [],
})

forgeConformance('gitlab, after its documents', async () => {
  const server = await openGitLab(TOKEN)
  let made = 0
  return {
    api: `http://127.0.0.1:${server.port}/api/v4`,
    token: TOKEN,
    page: 100,
    open: (over) => openForge(gitlab, { ...access(server.port), ...over }),
    async repository() {
      const path = `acme/tools/app-${(made += 1)}`
      server.addProject(path)
      return path
    },
    dispose: () => server.close(),
  }
})

describe('GitLab alone', () => {
  const signal = new AbortController().signal

  it('says of a key that somebody else has that it is in use', async () => {
    const server = await openGitLab(TOKEN)
    server.addProject('acme/app')
    const { publicKey } = createSshKey()
    server.addForeignKey(publicKey)
    const created = openForge(gitlab, access(server.port)).create('acme/app', { title: 't', publicKey, readOnly: true }, signal) // prettier-ignore
    await expect(created).rejects.toMatchObject({
      code: 'forge-key-in-use',
      message: expect.stringContaining('deploy_key.fingerprint_sha256 has already been taken'),
    })
    await server.close()
  })

  it('takes a key back where it is joined and leaves it in other projects', async () => {
    const server = await openGitLab(TOKEN)
    for (const path of ['acme/a', 'acme/b']) server.addProject(path)
    const forge = openForge(gitlab, access(server.port))
    const key = { title: 't', publicKey: createSshKey().publicKey, readOnly: true }
    const first = await forge.create('acme/a', key, signal)
    await forge.create('acme/b', { ...key, readOnly: false }, signal)
    await forge.revoke('acme/a', first, signal)
    expect(await forge.list('acme/a', signal)).toEqual([])
    expect(await forge.list('acme/b', signal)).toMatchObject([{ readOnly: false }])
    await server.close()
  })

  it('reads the answer of its documents', () => {
    const documented = {
      id: 1,
      title: 'Public key',
      key: 'ssh-rsa AAA...',
      fingerprint: '4a:9d:64:15:ed:3a:e6:07:6e:89:36:b3:3b:03:05:d9',
      fingerprint_sha256: 'SHA256:Jrs3LD1Ji30xNLtTVf9NDCj7kkBgPBb2pjvTZ3HfIgU',
      created_at: '2013-10-02T10:12:29Z',
      expires_at: null,
      can_push: false,
    }
    expect(gitlab.readKey(documented)).toEqual({
      forgeId: '1',
      title: 'Public key',
      publicKey: 'ssh-rsa AAA...',
      readOnly: true,
      createdAt: '2013-10-02T10:12:29.000Z',
    })
    for (const missing of ['id', 'key', 'title', 'can_push'])
      expect(gitlab.readKey({ ...documented, [missing]: undefined })).toBeUndefined()
  })
})
