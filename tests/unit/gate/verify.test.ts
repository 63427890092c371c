import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inLab } from './lab.ts'
import type { Lab } from './lab.ts'
import { makeKey, noSshd } from './sshd.ts'

if (noSshd !== undefined) process.stdout.write(`verification at the git gate: skipped, ${noSshd}\n`)

const accepted = (lab: Lab): number => lab.sshd.said.split('Accepted publickey').length - 1

describe.skipIf(noSshd !== undefined)('an upstream is asked', () => {
  test('with the identity in force, by a real ls-remote', () =>
    inLab({}, async (lab) => {
      expect(await lab.gate.verify('origin')).toEqual({ generation: 1 })
      expect(accepted(lab)).toBe(1)
      expect(lab.sshd.said).toContain('Starting session')
      expect(lab.gate.status('n').unverified).toEqual({})
    }))

  test('with an identity that is not in force yet, on a connection of its own, while fetches go on with the old', () =>
    inLab({}, async (lab) => {
      const next = makeKey(join(lab.folder, 'next'))
      expect((await lab.clone()).code).toBe(0)
      const trouble = { rule: 'identity-refused' }
      expect(await lab.gate.verify('origin', next.secret)).toMatchObject({ trouble })
      expect((await lab.git('fetch')).code).toBe(0)
      expect(lab.gate.status('n').unverified).toEqual({})
      lab.sshd.allow(next.line)
      expect(await lab.gate.verify('origin', next.secret)).toEqual({ generation: 1 })
      // The kept connection, and the one that was tried.
      expect(accepted(lab)).toBe(2)
    }))

  test('and a key that it does not take is told with place and user, until it answers again', () =>
    inLab({}, async (lab) => {
      lab.sshd.forbidAll()
      const { trouble } = await lab.gate.verify('origin')
      const place = `127.0.0.1:${lab.sshd.port}`
      expect(trouble).toEqual({
        rule: 'identity-refused',
        message: `${place} does not accept the key of this remote for user ${lab.sshd.user}.`,
      })
      expect(lab.gate.status('n').unverified).toEqual({ origin: 'identity-refused' })
      lab.sshd.allow(lab.identity)
      expect((await lab.clone()).code).toBe(0)
      expect(lab.gate.status('n').unverified).toEqual({})
    }))

  test('and a repository that the key does not open is told with what the server says', () =>
    inLab({}, async (lab) => {
      await lab.reconfigure({ url: { ...lab.remote.url, path: join(lab.folder, 'none.git') } })
      const { trouble } = await lab.gate.verify('origin')
      expect(trouble?.rule).toBe('repository-refused')
      expect(trouble?.message).toContain(`does not show ${lab.folder}/none.git with it`)
      expect(trouble?.message).toContain('does not appear to be a git repository')
    }))

  test('and a host key that is not pinned, or a way out that is closed, are told', () =>
    inLab({}, async (lab) => {
      lab.refuseDial = 'target-undeclared'
      expect((await lab.gate.verify('origin')).trouble).toMatchObject({
        rule: 'upstream-unreachable',
        message: expect.stringContaining('target-undeclared') as string,
      })
      lab.refuseDial = undefined
      await lab.reconfigure({ hostKeys: [makeKey(join(lab.folder, 'host')).line] })
      expect((await lab.gate.verify('origin')).trouble?.rule).toBe('host-key-changed')
    }))

  test('only for a declared remote, with a key that is one', () =>
    inLab({}, async (lab) => {
      await expect(lab.gate.verify('other')).rejects.toThrow('no remote of this name')
      await expect(lab.gate.verify('origin', 'no key')).rejects.toThrow('it is no private key')
      expect(lab.dialled).toEqual([])
    }))

  test('and what is tried ends with the remote', () =>
    inLab({}, async (lab) => {
      const next = makeKey(join(lab.folder, 'next'))
      lab.sshd.forbidAll()
      lab.sshd.allow(next.line, 'sleep 60')
      const asked = lab.gate.verify('origin', next.secret)
      await expect.poll(() => lab.sshd.said, { timeout: 10_000 }).toContain('Starting session')
      await lab.reconfigure({ url: { ...lab.remote.url, path: lab.upstream('other') } })
      expect((await asked).trouble).toBeDefined()
    }))
})
