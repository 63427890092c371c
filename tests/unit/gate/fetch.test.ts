import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FLUSH, pkt } from '../../../sidecars/gate/pkt.ts'
import { fingerprintOf } from '../../../sidecars/gate/ssh.ts'
import { inLab } from './lab.ts'
import type { Lab } from './lab.ts'
import { makeKey, noSshd } from './sshd.ts'

if (noSshd !== undefined) process.stdout.write(`the git gate with a real upstream: skipped, ${noSshd}\n`)

/** Of a request that nobody could want: a multiple of a line, and how many of them. */
const PIECE = 50 * 20_000
const PIECES = 50

/** What sshd says of a connection that somebody was let in by. */
const CLOSED = 'Closing connection to'
const sessions = (lab: Lab): number => lab.sshd.said.split('Starting session').length - 1
const clonedRefs = async (lab: Lab): Promise<readonly string[]> =>
  (await lab.git('for-each-ref', '--format=%(refname)')).out.trim().split('\n')

describe.skipIf(noSshd !== undefined)('clone and fetch', () => {
  test.each(['0', '1', '2'])('give what the upstream has, by version %s of the protocol', (version) =>
    inLab({}, async (lab) => {
      expect(await lab.clone('-c', `protocol.version=${version}`)).toMatchObject({ code: 0 })
      expect(await clonedRefs(lab)).toEqual([
        'refs/heads/main',
        'refs/remotes/origin/HEAD',
        'refs/remotes/origin/main',
        'refs/remotes/origin/teammate',
        'refs/tags/v1',
      ])
      expect((await lab.git('rev-parse', 'HEAD')).out.trim()).toBe(await lab.up('rev-parse', 'main'))
      expect((await lab.git('fsck', '--strict')).code).toBe(0)
    }),
  )

  test('shallow, single-branch and partial clones, deepened and filled later', () =>
    inLab({}, async (lab) => {
      await lab.clone('--depth=1', '--no-local')
      expect((await lab.git('rev-list', '--count', 'HEAD')).out.trim()).toBe('1')
      expect((await lab.git('fetch', '-q', '--unshallow')).code).toBe(0)
      expect((await lab.git('rev-list', '--count', 'HEAD')).out.trim()).toBe('3')
      rmSync(join(lab.folder, 'agent'), { recursive: true })
      await lab.clone('--filter=blob:none', '--no-checkout', '--single-branch')
      expect((await lab.git('rev-list', '--objects', '--missing=print', 'HEAD')).out).toContain('\n?')
      expect((await lab.git('show', 'HEAD~2:file-1.txt')).out).toBe('text 1')
    }))

  test('an empty upstream is an empty clone', () =>
    inLab({}, async (lab) => {
      for (const ref of ['refs/heads/main', 'refs/heads/teammate', 'refs/tags/v1'])
        await lab.up('update-ref', '-d', ref)
      expect((await lab.clone()).code).toBe(0)
      expect((await lab.git('for-each-ref')).out).toBe('')
    }))

  test('each sees what the upstream has at that time: new commits, other branches, another default', () =>
    inLab({}, async (lab) => {
      await lab.clone()
      const commit = await lab.commitUp('main', 'main')
      await lab.up('branch', '-D', 'teammate')
      // A name below one that was a branch until now.
      await lab.up('branch', 'teammate/next', 'main')
      await lab.up('symbolic-ref', 'HEAD', 'refs/heads/teammate/next')
      expect(await lab.git('pull', '-q', '--rebase', '--prune')).toMatchObject({ code: 0 })
      expect((await lab.git('rev-parse', 'HEAD')).out.trim()).toBe(commit)
      expect(await clonedRefs(lab)).toContain('refs/remotes/origin/teammate/next')
      expect((await lab.git('ls-remote', '--symref', 'origin', 'HEAD')).out).toContain(
        'ref: refs/heads/teammate/next\tHEAD',
      )
    }))

  test('a client with many commits of its own sends them packed', () =>
    inLab({}, async (lab) => {
      await lab.clone()
      const stream = Array.from(
        { length: 300 },
        (_, n) =>
          `commit refs/heads/own-${n}\ncommitter A <a@b.test> ${1_700_000_000 + n} +0000\ndata 1\n${n % 10}\n`,
      )
      await lab.run(['fast-import', '--quiet'], { input: stream.join('') })
      await lab.commitUp('more', 'main')
      const traced = await lab.run(['fetch'], { env: { GIT_TRACE_CURL: '1' } })
      expect(traced.err.toLowerCase()).toContain('content-encoding: gzip')
      expect(traced.code).toBe(0)
      expect(await clonedRefs(lab)).toContain('refs/remotes/origin/more')
    }))

  test('one that takes no answer is not read on: what it asks is never kept', () =>
    inLab({ limits: { stalledMs: 1500 } }, async (lab) => {
      await lab.clone()
      const tip = await lab.up('rev-parse', 'main')
      const asked = Buffer.concat([pkt(`want ${tip} multi_ack_detailed no-progress\n`), FLUSH])
      const haves = Buffer.alloc(PIECE, pkt(`have ${tip}\n`))
      const whole = asked.length + PIECES * PIECE
      const type = 'Content-Type: application/x-git-upload-pack-request'
      const client = connect({ port: lab.port, host: '127.0.0.1' }).pause()
      client.on('error', () => {})
      client.write(
        `POST /origin.git/git-upload-pack HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: ${whole}\r\n\r\n`,
      )
      client.write(asked)
      let taken = 0
      for (let piece = 0; piece < PIECES; piece++)
        client.write(haves, (error) => (taken += error ? 0 : PIECE))
      await new Promise((resolve) => client.once('close', resolve))
      expect(taken).toBeLessThan((PIECES * PIECE) / 2)
    }))

  test('many at once share a refresh, over one connection', () =>
    inLab({}, async (lab) => {
      const listed = await Promise.all(
        Array.from({ length: 8 }, () => lab.run(['ls-remote', lab.url()], { folder: '.' })),
      )
      expect(new Set(listed.map(({ code, out }) => `${code} ${out}`)).size).toBe(1)
      expect(listed[0]?.code).toBe(0)
      // A listing and a fetch for the first, a listing for those who came meanwhile.
      expect(sessions(lab)).toBeLessThanOrEqual(4)
      expect(lab.dialled).toHaveLength(1)
    }))

  test.each(['rsa', 'ecdsa'] as const)('keys of type %s, of server and remote', (type) =>
    inLab({ hostKeyType: type, identityType: type }, async (lab) => {
      expect((await lab.clone()).code).toBe(0)
    }),
  )
})

describe.skipIf(noSshd !== undefined)('an upstream that cannot be used is a failure in words', () => {
  test('that is not there: nothing stale, and no waiting once it is back', () =>
    inLab({ limits: { link: { connectMs: 10_000, keptMs: 1 } } }, async (lab) => {
      await lab.clone()
      // The kept connection ends by itself.
      await expect.poll(() => lab.sshd.said, { timeout: 20_000 }).toContain(CLOSED)
      lab.refuseDial = 'target-undeclared'
      const failed = await lab.git('fetch')
      expect(failed.code).not.toBe(0)
      expect(failed.err).toContain('remote: bot-bottle: 127.0.0.1:')
      expect(failed.err).toContain('cannot be reached (target-undeclared). Nothing stale is served')
      lab.refuseDial = undefined
      expect((await lab.git('fetch')).code).toBe(0)
      expect(lab.lines.map(({ decision, rule }) => `${decision} ${rule}`)).toEqual([
        'allow fetch',
        'deny upstream-unreachable',
        'allow fetch',
      ])
    }))

  test('that has no such repository', () =>
    inLab({}, async (lab) => {
      await lab.reconfigure({ url: { ...lab.remote.url, path: '/nowhere.git' } })
      expect((await lab.clone()).err).toContain("'/nowhere.git' does not appear to be a git repository")
    }))

  test('that frames what it says: only the words are told', () =>
    inLab({}, async (lab) => {
      const [frame, words] = ['echo error: >&2', 'echo Cannot find repository: acme/app >&2']
      lab.sshd.forbidAll()
      lab.sshd.allow(lab.identity, `${frame}; ${words}; ${frame}; exit 1`)
      expect((await lab.clone()).err).toContain(
        'what was asked for: Cannot find repository: acme/app. Nothing',
      )
      const { trouble } = await lab.gate.verify('origin')
      expect(trouble?.message).toContain('with it (Cannot find repository: acme/app).')
    }))

  test('that does not take the key', () =>
    inLab({}, async (lab) => {
      lab.sshd.forbidAll()
      expect((await lab.clone()).err).toContain('does not accept the key of this remote for user')
    }))

  test('that the gate has no key for', () =>
    inLab({}, async (lab) => {
      await lab.reconfigure({}, { identities: {} })
      expect((await lab.clone()).err).toContain('the gate has no key for the remote origin')
      expect(lab.dialled).toEqual([])
    }))

  test('that shows another host key: both are named', () =>
    inLab({}, async (lab) => {
      const other = makeKey(join(lab.folder, 'other')).line
      await lab.reconfigure({ hostKeys: [other] })
      const { code, err } = await lab.clone()
      expect(code).not.toBe(0)
      expect(err).toContain(fingerprintOf(lab.sshd.hostKey))
      expect(err).toContain(fingerprintOf(other))
      expect(lab.sshd.said).not.toContain('Accepted')
      // One of several that are pinned is enough.
      await lab.reconfigure({ hostKeys: [other, lab.sshd.hostKey] })
      expect((await lab.clone()).code).toBe(0)
    }))

  test('a changed key, host key or URL ends the connection that is kept, before the new one is used', () =>
    inLab({}, async (lab) => {
      await lab.clone()
      expect(lab.sshd.said).not.toContain(CLOSED)
      const other = makeKey(join(lab.folder, 'other')).line
      await lab.reconfigure({ hostKeys: [other, lab.sshd.hostKey] })
      await expect.poll(() => lab.sshd.said, { timeout: 20_000 }).toContain(CLOSED)
      expect(lab.dialled).toHaveLength(1)
      expect((await lab.git('fetch')).code).toBe(0)
      expect(lab.dialled).toHaveLength(2)
      // A changed policy is no reason.
      await lab.reconfigure({ hostKeys: [other, lab.sshd.hostKey], push: { ...lab.remote.push, tags: true } })
      expect((await lab.git('fetch')).code).toBe(0)
      expect(lab.dialled).toHaveLength(2)
    }))
})
