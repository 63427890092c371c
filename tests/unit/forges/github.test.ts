import { describe, expect, it } from 'vitest'
import { github } from '../../../src/forges/github.ts'
import { openForge } from '../../../src/forges/rest/forge.ts'
import { Secret } from '../../../src/model/secret.ts'
import { createSshKey } from '../../../src/model/ssh-key.ts'
import { forgeConformance } from '../../conformance/forges/conformance.ts'
import { openGitHub } from '../../conformance/forges/github-server.ts'

const TOKEN = 'github_pat_0123456789abcdefghij'
const access = (port: number) => ({
  api: `http://127.0.0.1:${port}`,
  token: new Secret(TOKEN),
  tokenName: 'GITHUB_TOKEN',
  allowPrivate: true,
  trust: [],
})

forgeConformance('github, after its documents', async () => {
  const server = await openGitHub(TOKEN)
  let made = 0
  return {
    api: `http://127.0.0.1:${server.port}`,
    token: TOKEN,
    page: 100,
    open: (over) => openForge(github, { ...access(server.port), ...over }),
    async repository() {
      const name = `octocat/app-${(made += 1)}`
      server.addRepository(name)
      return name
    },
    dispose: () => server.close(),
  }
})

describe('GitHub alone', () => {
  const signal = new AbortController().signal

  it('has every key once: one that another repository has is in use', async () => {
    const server = await openGitHub(TOKEN)
    for (const name of ['octocat/a', 'octocat/b']) server.addRepository(name)
    const forge = openForge(github, access(server.port))
    const key = { title: 't', publicKey: createSshKey().publicKey, readOnly: true }
    await forge.create('octocat/a', key, signal)
    await expect(forge.create('octocat/b', key, signal)).rejects.toMatchObject({
      code: 'forge-key-in-use',
      message: expect.stringContaining('key is already in use'),
    })
    await server.close()
  })

  it('reads the answer of its documents, also the time of last use', () => {
    const documented = {
      id: 1,
      key: 'ssh-rsa AAA...',
      url: 'https://api.github.com/repos/octocat/Hello-World/keys/1',
      title: 'octocat@octomac',
      verified: true,
      created_at: '2014-12-10T15:53:42Z',
      read_only: true,
      added_by: 'octocat',
      last_used: '2022-01-10T15:53:42Z',
      enabled: true,
    }
    expect(github.readKey(documented)).toEqual({
      forgeId: '1',
      title: 'octocat@octomac',
      publicKey: 'ssh-rsa AAA...',
      readOnly: true,
      createdAt: '2014-12-10T15:53:42.000Z',
      lastUsedAt: '2022-01-10T15:53:42.000Z',
    })
    for (const missing of ['id', 'key', 'title', 'read_only'])
      expect(github.readKey({ ...documented, [missing]: undefined })).toBeUndefined()
  })
})
