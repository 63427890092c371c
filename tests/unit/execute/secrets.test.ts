import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { HostLogin } from '../../../src/model/provider.ts'
import { resolveAll, resolveQuietly, secretResolver } from '../../../src/execute/secrets.ts'
import type { SecretSources } from '../../../src/execute/secrets.ts'
import type { SecretRef } from '../../../src/model/secret.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bb-secrets-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const PATH = process.env['PATH'] ?? ''
const value = async (ref: SecretRef, sources: Partial<SecretSources> = {}) =>
  (await secretResolver({ env: { PATH }, ...sources }).credential(ref)).reveal()

function file(name: string, content = 'value-1\n', mode = 0o600): { from: 'file'; path: string } {
  const path = join(dir, name)
  writeFileSync(path, content, { mode })
  chmodSync(path, mode)
  return { from: 'file', path }
}

function script(name: string, body: string): string {
  const path = join(dir, name)
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  return path
}

describe('a secret is taken', () => {
  it('from the environment, a file, a command, a question, each without one trailing line break', async () => {
    expect(await value({ from: 'env', name: 'T' }, { env: { T: 'value-1' } })).toBe('value-1')
    expect(await value(file('plain'))).toBe('value-1')
    expect(await value({ from: 'command', argv: ['printf', 'value-1\\n'] })).toBe('value-1')
    expect(await value({ from: 'ask', for: 'route/dev/a.example' }, { ask: async () => 'value-1' })).toBe(
      'value-1',
    )
  })

  it('by running a command once, however often it is asked for', async () => {
    const count = join(dir, 'count')
    const argv = [script('counted', `echo x >> ${count}; echo value-1`)]
    const resolver = secretResolver({ env: { PATH } })
    await Promise.all([1, 2, 3].map(() => resolver.credential({ from: 'command', argv })))
    expect(readFileSync(count, 'utf8')).toBe('x\n')
  })

  it('as a type that shows its value nowhere', async () => {
    const secret = await secretResolver({ env: { T: 'canary-1' } }).credential({ from: 'env', name: 'T' })
    for (const text of [String(secret), JSON.stringify({ secret }), inspect(secret, { depth: 9 })])
      expect(text).not.toContain('canary-1')
  })
})

describe('[SPP-11] a secret file is refused', () => {
  const refused = { code: 'secret-file-refused', exit: 2 }
  it('when it is a symbolic link', async () => {
    symlinkSync(file('target').path, join(dir, 'link'))
    await expect(value({ from: 'file', path: join(dir, 'link') })).rejects.toMatchObject(refused)
  })
  it.each([0o644, 0o640, 0o604, 0o622])('when its mode is open to others: %o', async (mode) => {
    await expect(value(file(`mode-${mode}`, 'x\n', mode))).rejects.toMatchObject(refused)
  })
  it.runIf(process.getuid?.() === 0)('when it belongs to somebody else', async () => {
    const ref = file('foreign')
    chownSync(ref.path, 12_345, 12_345)
    await expect(value(ref)).rejects.toMatchObject(refused)
  })
  it('when anybody can write to its folder', async () => {
    const folder = join(dir, 'open')
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    writeFileSync(join(folder, 'token'), 'x\n', { mode: 0o600 })
    await expect(value({ from: 'file', path: join(folder, 'token') })).rejects.toMatchObject(refused)
  })
  it('when it is a FIFO, without waiting for a writer', async () => {
    execFileSync('mkfifo', ['-m', '600', join(dir, 'fifo')])
    await expect(value({ from: 'file', path: join(dir, 'fifo') })).rejects.toMatchObject(refused)
  })
  it('when it is a folder, is not there, or is far too long', async () => {
    mkdirSync(join(dir, 'folder'), { mode: 0o700 })
    for (const ref of [
      { from: 'file', path: join(dir, 'folder') },
      { from: 'file', path: join(dir, 'nowhere') },
      file('long', 'x'.repeat(70_000)),
    ] as const)
      await expect(value(ref)).rejects.toMatchObject(refused)
  })
})

describe('a secret command', () => {
  const failed = { code: 'secret-command-failed', exit: 2 }
  it('is never looked for in the current folder', async () => {
    script('here-only', 'echo value-1')
    const argv = ['here-only']
    for (const path of ['.', '', ':', `.:${PATH}`])
      await expect(value({ from: 'command', argv }, { env: { PATH: path } })).rejects.toMatchObject(failed)
    await expect(value({ from: 'command', argv: ['./here-only'] })).rejects.toMatchObject(failed)
  })
  it('gets its arguments as they are, without a shell', async () => {
    expect(await value({ from: 'command', argv: ['echo', '$HOME; touch /tmp/never'] })).toBe(
      '$HOME; touch /tmp/never',
    )
    expect(existsSync('/tmp/never')).toBe(false)
  })
  it('is ended after its limit, also when a child of it keeps the pipe open', async () => {
    const argv = [script('slow', 'sleep 30 & echo value-1; sleep 30')]
    const began = performance.now()
    await expect(value({ from: 'command', argv }, { commandLimitMs: 200 })).rejects.toMatchObject(failed)
    expect(performance.now() - began).toBeLessThan(5_000)
  })
  it('takes along what it started when it is ended', async () => {
    const held = join(dir, 'held')
    execFileSync('mkfifo', [held])
    // Read to its end only when nobody has it open for writing any more.
    const reader = new Socket({ fd: openSync(held, constants.O_RDONLY | constants.O_NONBLOCK) })
    const argv = [script('parent', `sh -c 'echo begun; exec sleep 600' > ${held} & sleep 600`)]
    await expect(value({ from: 'command', argv }, { commandLimitMs: 2_000 })).rejects.toMatchObject(failed)
    expect(await text(reader)).toBe('begun\n')
  })
  it('ends with the run', async () => {
    const held = join(dir, 'held-as-well')
    execFileSync('mkfifo', [held])
    const run = new AbortController()
    const argv = [script('endless', `echo begun > ${held}; sleep 600`)]
    const ended = expect(value({ from: 'command', argv }, { signal: run.signal })).rejects.toMatchObject(
      failed,
    )
    expect(await readFile(held, 'utf8')).toBe('begun\n')
    run.abort()
    await ended
  })
  it('that fails is named with its code, and nothing it printed is repeated', async () => {
    const argv = [script('failing', 'echo canary-out; echo canary-err >&2; exit 3')]
    const error = await value({ from: 'command', argv }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject(failed)
    expect(String(error)).toContain('ended with 3')
    expect(inspect(error, { depth: 9 })).not.toContain('canary')
  })
})

describe('a value', () => {
  it.each(['a\r\nb', 'a\nb', 'a\0b', 'a\u007f', 'ä', '', ' a', 'a '])(
    'that cannot be a credential is refused by naming the reference only: %j',
    async (bad) => {
      const sources = { env: { T: `canary${bad}` } }
      const ref = { from: 'ask', for: 'route/dev/a.example' } as const
      const asking = { ...sources, ask: async () => (bad === '' ? '' : bad) }
      const error = await value(ref, asking).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'secret-unfit', exit: 2 })
      if (bad !== '' && bad.trim() !== 'a') expect(inspect(error)).not.toContain(bad)
    },
  )
})

describe('all references together', () => {
  it('name everything that is missing at once, in one usage error', async () => {
    const refs: Record<string, SecretRef> = {
      one: { from: 'env', name: 'ONE' },
      two: { from: 'env', name: 'TWO' },
      three: { from: 'env', name: 'THREE' },
    }
    const error = await resolveAll(refs, secretResolver({ env: { TWO: 'x' } })).catch((e: unknown) => e)
    expect(error).toMatchObject({ exit: 2, code: 'secret-unresolved' })
    expect(String(error)).toContain('ONE')
    expect(String(error)).toContain('THREE')
  })

  it('are resolved silently for diff: no command runs, nothing is asked, nothing missing is an error', async () => {
    const ran = join(dir, 'ran')
    const { found, refused } = await resolveQuietly(
      {
        env: { from: 'env', name: 'T' },
        unset: { from: 'env', name: 'UNSET' },
        file: file('quiet'),
        bad: file('quiet-open', 'x\n', 0o644),
        command: { from: 'command', argv: [script('loud', `touch ${ran}`)] },
        ask: { from: 'ask', for: 'route/dev/a.example' },
      },
      { T: 'value-2', PATH },
    )
    expect([...found.keys()].sort()).toEqual(['env', 'file'])
    expect([...refused].map(([id, { code }]) => `${id} ${code}`).sort()).toEqual([
      'bad secret-file-refused',
      'unset secret-unset',
    ])
    expect(existsSync(ran)).toBe(false)
  })

  it('cannot be asked for without a terminal', async () => {
    await expect(value({ from: 'ask', for: 'route/dev/a.example' })).rejects.toMatchObject({
      code: 'secret-no-terminal',
      exit: 2,
    })
  })
})

describe('a sign-in of the host', () => {
  const login: HostLogin = {
    path: () => '',
    claims: (text) =>
      text.startsWith('until ') ? { expires: Number(text.slice(6)), account: '', plan: '' } : undefined,
    token: (text) => `token ${text}`,
    renew: 'agent login',
  }
  const signedIn = (path: string) =>
    secretResolver({
      env: {},
      login: async (provider) => (provider === 'agent' ? login : undefined),
    }).credential({
      from: 'login',
      provider: 'agent',
      path,
    })
  const later = Math.floor(Date.now() / 1000) + 3600

  it('gives its token while it lasts', async () => {
    const { path } = file('login', `until ${later}`) as { readonly path: string }
    expect((await signedIn(path)).reveal()).toBe(`token until ${later}`)
  })
  it.each([
    ['has expired', 'until 1000', /^the sign-in of agent on this host has expired \(1970-01-01T/],
    ['is none', 'something else', /^the sign-in of agent on this host is not in /],
  ])('is refused with the way out when it %s', async (_what, text, message) => {
    const { path } = file(`login-${text.length}`, text) as { readonly path: string }
    await expect(signedIn(path)).rejects.toMatchObject({
      code: 'host-login',
      exit: 2,
      message: expect.stringMatching(message) as string,
      hint: 'agent login, then run the command again',
    })
  })
  it('is refused when its file is open to others, and when there is none', async () => {
    const { path } = file('login-open', `until ${later}`, 0o644) as { readonly path: string }
    await expect(signedIn(path)).rejects.toMatchObject({ code: 'host-login' })
    await expect(signedIn(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'host-login' })
  })
})
