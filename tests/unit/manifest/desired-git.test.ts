import { describe, expect, it } from 'vitest'
import { urlOf } from '../../../src/manifest/desired-git.ts'
import type { KeySpec } from '../../../src/resources/key/spec.ts'
import type { RemoteSpec } from '../../../src/resources/remote/spec.ts'
import { loadText } from './loading.ts'

async function desired(remote: string): Promise<{ readonly key: KeySpec; readonly remote: RemoteSpec }> {
  const text = `version: 1
stack: acme
bottles:
  dev:
    git:
      remotes:
        origin:
          host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a comment
${remote.replaceAll(/^/gm, '          ')}
`
  const { desired: found } = await loadText(text)
  const spec = (kind: string): unknown => found.resources.find((one) => one.kind === kind)?.spec
  return { key: spec('key') as KeySpec, remote: spec('remote') as RemoteSpec }
}

const KEY = (more = '') =>
  `url: ssh://git@forge.example/acme/app.git
provisioned_key: { provider: gitea, api: https://forge.example/api/v1/, token_ref: TOKEN${more} }`

describe('a provisioned key that says nothing of its access', () => {
  it('may only fetch where nothing may be pushed', async () => {
    expect((await desired(KEY())).key.readOnly).toBe(true)
  })

  it('may push where something may be pushed, also a tag alone', async () => {
    expect((await desired(`${KEY()}\npush: { allow: [refs/heads/agent/*] }`)).key.readOnly).toBe(false)
    expect((await desired(`${KEY()}\npush: { tags: true }`)).key.readOnly).toBe(false)
  })

  it('is overruled by what it says', async () => {
    expect((await desired(KEY(', read_only: false'))).key.readOnly).toBe(false)
    expect(
      (await desired(`${KEY(', read_only: true')}\npush: { allow: [refs/heads/agent/*] }`)).key.readOnly,
    ).toBe(true)
  })
})

describe('a remote', () => {
  it('has the repository of its URL, unless another is named, and an API without a last slash', async () => {
    expect((await desired(KEY())).key).toMatchObject({
      repository: 'acme/app',
      api: 'https://forge.example/api/v1',
    })
    expect((await desired(KEY(', repo: acme/other'))).key.repository).toBe('acme/other')
  })

  it('pins the host key alone, without its comment', async () => {
    expect((await desired(KEY())).remote.hostKeys).toEqual([
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
    ])
  })

  it('may be at a private address only where the API of the same host may', async () => {
    const isPrivate = async (remote: string) => (await desired(remote)).remote.allowPrivate
    expect(await isPrivate(KEY())).toBe(false)
    expect(await isPrivate(KEY(', allow_private: true'))).toBe(true)
    const elsewhere = KEY(', allow_private: true').replace('git@forge.example', 'git@ssh.forge.example')
    expect(await isPrivate(elsewhere)).toBe(false)
  })

  it('tells a path from the root from one below the home folder there', () => {
    expect(urlOf('ssh://git@h.example:2222/acme/app.git')).toMatchObject({
      port: 2222,
      path: '/acme/app.git',
    })
    expect(urlOf('git@h.example:acme/app.git')).toMatchObject({ port: 22, path: 'acme/app.git' })
    expect(urlOf('ssh://git@h.example/~/app.git')).toMatchObject({ path: '~/app.git' })
  })
})
