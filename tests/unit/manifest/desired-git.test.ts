import { describe, expect, it } from 'vitest'
import { urlOf } from '../../../src/manifest/desired-git.ts'
import type { GuestSpec } from '../../../src/resources/guest/spec.ts'
import type { KeySpec } from '../../../src/resources/key/spec.ts'
import type { RemoteSpec } from '../../../src/resources/remote/spec.ts'
import type { RouteSpec } from '../../../src/resources/route/spec.ts'
import { loadText, refusal } from './loading.ts'

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

const HOST_KEY = 'host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'
const IDENTITY = `${HOST_KEY}, identity: ~/.ssh/id`

async function bottle(git: string, ...routes: readonly string[]) {
  const { desired: found } = await loadText(`version: 1
stack: acme
bottles:
  dev:
    egress: { routes: [${routes.join(', ')}] }
    git:
${git.replaceAll(/^/gm, '      ')}
`)
  const specs = (kind: string): readonly unknown[] =>
    found.resources.filter((one) => one.kind === kind).map(({ spec }) => spec)
  const [guest] = specs('guest') as readonly GuestSpec[]
  if (!guest) throw new Error('the bottle has no guest')
  return { guest, routes: specs('route') as readonly RouteSpec[], warnings: found.warnings }
}

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

  it('says so itself where it has a key file, and is heard where it says otherwise', async () => {
    const isPrivate = async (remote: string) => (await desired(remote)).remote.allowPrivate
    const file = 'url: git@forge.example:acme/app.git\nidentity: ~/.ssh/id'
    expect(await isPrivate(file)).toBe(false)
    expect(await isPrivate(`${file}\nallow_private: true`)).toBe(true)
    expect(await isPrivate(`${KEY(', allow_private: true')}\nallow_private: false`)).toBe(false)
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

describe('the guest of a bottle', () => {
  it('has each declared upstream in one spelling, however it is written, and the identity', async () => {
    const { guest } = await bottle(`user: { name: Bot, email: bot@acme.example }
remotes:
  app: { url: "ssh://git@Forge.example:2222/acme/app.git", ${IDENTITY} }
  docs: { url: "git@forge.example:acme/docs", ${IDENTITY} }`)
    expect(guest.git).toEqual({
      user: { name: 'Bot', email: 'bot@acme.example' },
      remotes: {
        app: { url: 'ssh://git@forge.example:2222/acme/app.git' },
        docs: { url: 'ssh://git@forge.example:22/acme/docs' },
      },
    })
  })

  it('knows where the web of a forge is from its API, where that is the same host', async () => {
    const web = async (api: string) => {
      const key = `provisioned_key: { provider: gitea, api: "${api}", token_ref: TOKEN }`
      const { guest } = await bottle(
        `remotes: { app: { url: "ssh://git@forge.example:2222/acme/app.git", ${HOST_KEY}, ${key} } }`,
      )
      return guest.git?.remotes['app']?.web
    }
    expect(await web('https://forge.example:3000/api/v1')).toEqual(['https://forge.example:3000/'])
    expect(await web('https://forge.example/git/api/v4/')).toEqual(['https://forge.example/git/'])
    expect(await web('https://forge.example/api/v1')).toBeUndefined()
    expect(await web('https://api.forge.example')).toBeUndefined()
  })

  it('has what its agent says of the identity over what its bottle says, per field, each with its line', async () => {
    const { desired: found } = await loadText(`version: 1
stack: acme
bottles:
  dev: { git: { user: { name: Bot, email: bot@acme.example } } }
agents:
  one:
    bottle: dev
    git: { user: { name: One } }
`)
    const guest = found.resources.find(({ kind }) => kind === 'guest')
    expect((guest?.spec as GuestSpec | undefined)?.git?.user).toEqual({
      name: 'One',
      email: 'bot@acme.example',
    })
    expect(guest?.places['git.user.name']?.line).toBe(8)
    expect(guest?.places['git.user.email']?.line).toBe(4)
  })

  it('is told nothing where nothing is said', async () => {
    expect((await bottle('{}')).guest).not.toHaveProperty('git')
    expect((await bottle('user: {}')).guest).not.toHaveProperty('git')
  })
})

describe('a route to a forge', () => {
  const gated = async (host: string, remotes: string, more = '') => {
    const { routes, warnings } = await bottle(`remotes: ${remotes}`, `{ host: "${host}"${more} }`)
    return { gated: routes[0]?.gated, warnings }
  }
  const APP = `{ app: { url: "git@forge.example:Acme/App.git", ${IDENTITY} } }`

  it.each(['forge.example', 'api.forge.example', 'uploads.forge.example', '*.forge.example'])(
    'knows which of its repositories are behind the gate: %s',
    async (host) => {
      expect((await gated(host, APP)).gated).toEqual(['acme/app'])
    },
  )

  it('knows them by the API that makes their keys, and each once', async () => {
    const key =
      'provisioned_key: { provider: gitea, api: https://api.other.example, token_ref: T, repo: acme/x }'
    const one = `url: "git@forge.example:acme/app", ${HOST_KEY}, ${key}`
    expect((await gated('api.other.example', `{ a: { ${one} }, b: { ${one} } }`)).gated).toEqual(['acme/x'])
  })

  it('is like any other where none of its repositories is behind the gate', async () => {
    expect((await gated('forge.example.org', APP)).gated).toBeUndefined()
    expect((await gated('forge.example', '{}')).gated).toBeUndefined()
  })

  it('is warned of where it is passed through: nobody could refuse a push there', async () => {
    const { warnings } = await gated('forge.example', APP, ', tls_passthrough: true')
    expect(warnings.map(({ code }) => code)).toContain('passthrough-beside-gate')
    const plain = await gated('forge.example', APP)
    expect(plain.warnings.map(({ code }) => code)).not.toContain('passthrough-beside-gate')
  })
})

describe('[GIT-19] a URL that ssh or git could take for something else', () => {
  it.each([
    'ssh://-oProxyCommand=x/y',
    'ssh://git@-oProxyCommand=x/y',
    '-h:path',
    'git@host:-p',
    'git@host:a/-p',
    'ext::sh -c x',
    'file:///etc/passwd',
    'ssh://git@host:0/a',
    'ssh://git@host:99999/a',
    'ssh://-u@host/a',
    'git@host:a b',
    'git@host:a;id',
    'git@host:$(id)',
    'ssh://git@host/../x',
  ])('is an error of the manifest: %s', async (url) => {
    const error = await refusal(bottle(`remotes: { app: { url: "${url}", ${IDENTITY} } }`))
    expect(error.diagnostics.map(({ code }) => code)).toContain('bad-remote-url')
  })
})
