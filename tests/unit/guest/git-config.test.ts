/** What real git makes of the file that a bottle gets. Only the port is another: nobody may listen at the gate's here. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DOORS } from '../../../src/model/names.ts'
import type { Action } from '../../../src/model/plan.ts'
import {
  changesGitAlone,
  gitConfig,
  remoteAtGate,
  spellingsOf,
  type GuestGit,
} from '../../../src/resources/guest/git.ts'

const APP = { url: 'ssh://git@forge.example:22/acme/app.git' }
const gate = (name: string) => remoteAtGate(name)
const folder = mkdtempSync(join(tmpdir(), 'bb-git-config-'))
let port = 0
const server = createServer((request, response) => {
  try {
    const { pathname } = new URL(request.url ?? '', 'http://gate')
    response.end(readFileSync(join(folder, 'served', pathname)))
  } catch {
    response.writeHead(404).end()
  }
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Person {
  readonly git: (...args: readonly string[]) => Promise<string>
  readonly home: string
}

/** Somebody in a bottle that declares this; `own` is what they have in `~/.gitconfig`. */
function somebody(declared: GuestGit, own = '', env: Readonly<Record<string, string>> = {}): Person {
  const home = mkdtempSync(join(folder, 'home-'))
  writeFileSync(
    join(home, 'system'),
    gitConfig(declared).replaceAll(`127.0.0.1:${DOORS.git}`, `127.0.0.1:${port}`),
  )
  writeFileSync(join(home, '.gitconfig'), own)
  const git: Person['git'] = async (...args) => {
    const { stdout } = await promisify(execFile)('git', [...args], {
      cwd: home,
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        GIT_CONFIG_SYSTEM: join(home, 'system'),
        GIT_TERMINAL_PROMPT: '0',
        GIT_SSH_COMMAND: 'false',
        ...env,
      },
    })
    return stdout.trim().replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${DOORS.git}`)
  }
  return { git, home }
}

const rewritten = (declared: GuestGit, url: string) => somebody(declared).git('ls-remote', '--get-url', url)

describe('the URL of a declared upstream', () => {
  it.each([
    'ssh://git@forge.example/acme/app.git',
    'ssh://git@forge.example/acme/app',
    'ssh://git@forge.example:22/acme/app.git',
    'ssh://git@forge.example:22/acme/app',
    'git@forge.example:acme/app.git',
    'git@forge.example:acme/app',
    'git@forge.example:/acme/app.git',
    'https://forge.example/acme/app.git',
    'https://forge.example/acme/app',
  ])('is the remote at the gate when it is written %s', async (url) => {
    expect(await rewritten({ remotes: { origin: APP } }, url)).toBe(gate('origin'))
  })

  it('may have a slash behind it', async () => {
    expect(await rewritten({ remotes: { origin: APP } }, 'https://forge.example/acme/app/')).toBe(
      `${gate('origin')}/`,
    )
  })

  it('has its port in it where that is another, and then no short form', () => {
    expect(spellingsOf({ url: 'ssh://git@forge.example:2222/acme/app.git' })).toEqual([
      'ssh://git@forge.example:2222/acme/app',
      'ssh://git@forge.example:2222/acme/app.git',
      'https://forge.example/acme/app',
      'https://forge.example/acme/app.git',
    ])
  })

  it('is also the one of a forge at another port, or below a path', async () => {
    const origin = { ...APP, web: ['http://forge.example:3000/', 'https://forge.example/git/'] }
    for (const url of ['http://forge.example:3000/acme/app', 'https://forge.example/git/acme/app.git'])
      expect(await rewritten({ remotes: { origin } }, url)).toBe(gate('origin'))
  })
})

describe('the URL of another repository', () => {
  it.each([
    'https://forge.example/acme/app2',
    'https://forge.example/acme/app-docs.git',
    'https://forge.example/acme/app.github.io',
    'https://forge.example/acme/app.wiki.git',
    'https://forge.example/acme/ap',
    'https://forge.example/acme/other/app.git',
    'https://other.example/acme/app.git',
  ])('stays as it is written: %s', async (url) => {
    expect(await rewritten({ remotes: { origin: APP } }, url)).toBe(url)
  })

  it.each([
    ['ssh://git@forge.example:2222/acme/app.git', 'git@forge.example:2222/acme/app.git'],
    ['ssh://git@other.example/acme/app.git', 'git@other.example/acme/app.git'],
    ['git@other.example:acme/app.git', 'other.example:acme/app.git'],
  ])('is for the gate to refuse over ssh, which leads nowhere: %s', async (url, path) => {
    expect(await rewritten({ remotes: { origin: APP } }, url)).toBe(`http://127.0.0.1:941/${path}`)
    expect(await rewritten({ remotes: {} }, url)).toBe(url)
  })

  it('is its own remote where it is declared, however much of it is the same', async () => {
    const like = (name: string) => ({ url: `ssh://git@forge.example:22/acme/${name}` })
    const names = { a: 'app', b: 'app2.git', c: 'app-docs', d: 'app.git2', e: 'app.github.io' }
    const remotes = Object.fromEntries(
      Object.entries(names).map(([name, repository]) => [name, like(repository)]),
    )
    for (const [name, repository] of Object.entries(names))
      for (const before of ['https://forge.example/', 'git@forge.example:', 'ssh://git@forge.example/'])
        expect(await rewritten({ remotes }, `${before}acme/${repository}`), before).toBe(gate(name))
  })

  it('is for the gate to refuse where it is written for SSH, under a name that nothing can have', async () => {
    const url = await rewritten({ remotes: { origin: APP } }, 'git@forge.example:acme/app-docs.git')
    expect(url).toBe(`${gate('origin')}-docs.git`)
  })
})

describe('a push', () => {
  const pushesTo = async (own: string, url: string) => {
    const { git } = somebody({ remotes: { origin: APP } }, own)
    await git('init', '-q', 'work')
    await git('-C', 'work', 'remote', 'add', 'origin', url)
    return git('-C', 'work', 'remote', 'get-url', '--push', 'origin')
  }

  it('goes where a fetch goes', async () => {
    expect(await pushesTo('', 'https://forge.example/acme/app')).toBe(gate('origin'))
  })

  it('goes there also where somebody pushes by SSH whatever is fetched by HTTPS', async () => {
    const own = '[url "git@forge.example:"]\n\tpushInsteadOf = https://forge.example/\n'
    expect(await pushesTo(own, 'https://forge.example/acme/app.git')).toBe(gate('origin'))
  })

  it('goes there also where somebody writes every SSH URL for HTTPS', async () => {
    const own = '[url "https://forge.example/"]\n\tinsteadOf = git@forge.example:\n'
    expect(await pushesTo(own, 'git@forge.example:acme/app.git')).toBe(gate('origin'))
  })

  it('goes there also by a URL for pushes alone', async () => {
    const own = '[remote "origin"]\n\tpushurl = git@forge.example:acme/app.git\n'
    expect(await pushesTo(own, 'https://forge.example/acme/app.git')).toBe(gate('origin'))
  })
})

describe('a clone', () => {
  const served = (name: string, ...setUp: readonly (readonly string[])[]) => {
    const work = mkdtempSync(join(folder, 'work-'))
    const env = { PATH: process.env['PATH'], HOME: work, GIT_CONFIG_NOSYSTEM: '1' }
    const git = (...args: readonly string[]) => execFileSync('git', [...args], { cwd: work, env })
    git('init', '-q', '-b', 'main')
    for (const args of setUp) git(...args)
    git('-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '-q', '--allow-empty', '-m', name)
    mkdirSync(join(folder, 'served'), { recursive: true })
    const bare = join(folder, 'served', `${name}.git`)
    git('clone', '-q', '--bare', work, bare)
    execFileSync('git', ['update-server-info'], { cwd: bare, env })
    return git('rev-parse', 'HEAD').toString().trim()
  }

  it('comes from the gate with its submodules, those that are beside it too', async () => {
    const lib = served('lib')
    const pin = ['update-index', '--add', '--cacheinfo', `160000,${lib},lib`]
    const modules = (key: string, value: string) => [
      'config',
      '-f',
      '.gitmodules',
      `submodule.lib.${key}`,
      value,
    ]
    served('origin', pin, modules('path', 'lib'), modules('url', '../lib.git'), ['add', '.gitmodules'])
    const { git } = somebody({
      remotes: { origin: APP, lib: { url: 'ssh://git@forge.example:22/acme/lib.git' } },
    })
    await git('clone', '-q', '--recurse-submodules', 'ssh://git@forge.example/acme/app.git', 'app')
    expect(await git('-C', 'app/lib', 'rev-parse', 'HEAD')).toBe(lib)
    expect(await git('-C', 'app', 'config', 'remote.origin.url')).toBe('ssh://git@forge.example/acme/app.git')
  })

  it('asks the gate directly, whatever proxy the environment names', async () => {
    const head = served('plain')
    const declared = { remotes: { plain: APP } }
    const env = { http_proxy: 'http://127.0.0.1:1', ALL_PROXY: 'http://127.0.0.1:1' }
    const { git } = somebody(declared, '', env)
    expect(await git('ls-remote', 'https://forge.example/acme/app', 'HEAD')).toContain(head)
    const unconfigured = somebody({ remotes: {} }, '', env)
    await expect(unconfigured.git('ls-remote', `http://127.0.0.1:${port}/plain.git`)).rejects.toThrow(
      /127\.0\.0\.1/,
    )
  })
})

describe('a commit', () => {
  const committer = async ({ git }: Person) => {
    await git('init', '-q', 'work')
    await git('-C', 'work', 'commit', '-q', '--allow-empty', '-m', 'one')
    return git('-C', 'work', 'log', '-1', '--format=%an <%ae> %cn <%ce>')
  }

  it('carries the declared identity, whatever characters it has', async () => {
    const user = { name: 'Bot "the\\first" #1; ü', email: 'bot@acme.example' }
    const who = `${user.name} <${user.email}>`
    expect(await committer(somebody({ user, remotes: {} }))).toBe(`${who} ${who}`)
  })

  it('carries what the agent says of itself where it says something: `require_identity` is what is enforced', async () => {
    const user = { name: 'Bot', email: 'bot@acme.example' }
    const me = somebody({ user, remotes: {} }, '[user]\n\tname = Me\n')
    expect(await committer(me)).toBe('Me <bot@acme.example> Me <bot@acme.example>')
  })
})

it('a declaration of nothing leaves git as it is', async () => {
  const { git } = somebody({ remotes: {} })
  expect(await git('config', '--system', '--list')).toBe('')
})

describe('an update of the guest', () => {
  const update = (...paths: readonly string[]): Pick<Action, 'kind' | 'verb' | 'differences'> => ({
    kind: 'guest',
    verb: 'update',
    differences: paths.map((path) => ({ path, cause: 'edit', impact: 'live' })),
  })

  it('is one of git alone where nothing else differs', () => {
    expect(changesGitAlone(update('git.user.name', 'git.remotes.origin'))).toBe(true)
    expect(changesGitAlone(update('git'))).toBe(true)
    expect(changesGitAlone(update('git', 'env.CI'))).toBe(false)
    expect(changesGitAlone(update())).toBe(false)
    expect(changesGitAlone({ ...update('git'), verb: 'create' })).toBe(false)
    expect(changesGitAlone({ ...update('git'), kind: 'bottle' })).toBe(false)
  })
})
