/**
 * What every forge does, whatever its API. Written against `src/ports/forge.ts` alone; an adapter that fails here is
 * wrong by definition. Each test has a repository of its own.
 */
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { keyTitle, parseKeyTitle } from '../../../src/model/deploy-key.ts'
import { ForgeError } from '../../../src/model/forge-error.ts'
import { Secret } from '../../../src/model/secret.ts'
import { createSshKey, sshFingerprint } from '../../../src/model/ssh-key.ts'
import type { Forge, ForgeAccess, NewDeployKey } from '../../../src/ports/forge.ts'
import { LOSSES, openLosing, patience } from './losing.ts'
import type { Losing, Loss } from './losing.ts'

export interface ForgeSubject {
  /** http, on loopback. */
  readonly api: string
  readonly token: string
  open(over?: Partial<ForgeAccess>): Forge
  /** A fresh repository without keys. */
  repository(): Promise<string>
  /** How many keys a list has to have to need a second page. */
  readonly page: number
  dispose(): Promise<void>
}

const MARK = {
  installation: '0123456789abcdef',
  stack: 'a'.repeat(30),
  address: address.key('b'.repeat(32), 'r'.repeat(63)),
  id: 'fedcba9876543210',
}
const MISSING = 'nobody/nothing'

export function forgeConformance(name: string, makeSubject: () => Promise<ForgeSubject>): void {
  describe(`the forge ${name}`, () => {
    const signal = new AbortController().signal
    let subject: ForgeSubject
    let forge: Forge
    let losing: Losing
    let made = 0

    beforeAll(async () => {
      subject = await makeSubject()
      forge = subject.open()
      losing = await openLosing(Number(new URL(subject.api).port))
    })
    afterAll(async () => {
      await losing?.close()
      await subject?.dispose()
    })

    const fresh = (over: Partial<NewDeployKey> = {}): NewDeployKey => ({
      title: keyTitle({ ...MARK, id: (made += 1).toString(16).padStart(16, '0') }),
      publicKey: createSshKey().publicKey,
      readOnly: true,
      ...over,
    })
    const codeOf = async (work: Promise<unknown>): Promise<string> => {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (!(error instanceof ForgeError)) return `no error of a forge: ${inspect(error)}`
      expect(error.hint).toBeTruthy()
      expect(error.message).toContain(new URL(forge.api).host)
      for (const shown of [inspect(error, { depth: 9 }), JSON.stringify(error), String(error.stack)])
        expect(shown).not.toContain(subject.token)
      return error.code
    }

    it('lists nothing of a repository without keys', async () => {
      expect(await forge.list(await subject.repository(), signal)).toEqual([])
    })

    it('makes a key that may only fetch and one that may push, and lists both as they are', async () => {
      const repository = await subject.repository()
      const [reading, writing] = [fresh(), fresh({ readOnly: false })]
      const answered = [
        await forge.create(repository, reading, signal),
        await forge.create(repository, writing, signal),
      ]
      const listed = await forge.list(repository, signal)
      for (const [index, key] of [reading, writing].entries()) {
        const { publicKey, ...said } = key
        const expected = { ...said, fingerprint: sshFingerprint(publicKey) }
        expect(answered[index]).toMatchObject(expected)
        const found = listed.find(({ forgeId }) => forgeId === answered[index]?.forgeId)
        expect(found).toMatchObject(expected)
        expect(Math.abs(Date.parse(found?.createdAt ?? '') - Date.now())).toBeLessThan(60_000)
      }
      expect(listed).toHaveLength(2)
    })

    it('keeps the longest title of ours, so that it says whose the key is', async () => {
      const repository = await subject.repository()
      const title = keyTitle(MARK)
      await forge.create(repository, fresh({ title }), signal)
      const [listed] = await forge.list(repository, signal)
      expect(parseKeyTitle(listed?.title ?? '')).toEqual(MARK)
    })

    it('makes the same key once, however often it is asked, also side by side', async () => {
      const repository = await subject.repository()
      const key = fresh()
      const answers = [
        await forge.create(repository, key, signal),
        ...(await Promise.all([key, key, key].map((same) => forge.create(repository, same, signal)))),
      ]
      const other = fresh()
      const racing = await Promise.all([other, other].map((same) => forge.create(repository, same, signal)))
      expect(new Set(answers.map(({ forgeId }) => forgeId)).size).toBe(1)
      expect(new Set(racing.map(({ forgeId }) => forgeId)).size).toBe(1)
      expect(await forge.list(repository, signal)).toHaveLength(2)
    })

    it('does not pass a key off as one of another access', async () => {
      const repository = await subject.repository()
      const key = fresh({ readOnly: false })
      await forge.create(repository, key, signal)
      expect(await codeOf(forge.create(repository, { ...key, readOnly: true }, signal))).toBe(
        'forge-access-differs',
      )
      expect(await forge.list(repository, signal)).toMatchObject([{ readOnly: false }])
    })

    it('finds a key by its fingerprint, and says that it is not there only of a list that it has seen', async () => {
      const repository = await subject.repository()
      const key = fresh()
      const fingerprint = sshFingerprint(key.publicKey) ?? ''
      expect(await forge.find(repository, fingerprint, signal)).toBeUndefined()
      const { forgeId } = await forge.create(repository, key, signal)
      expect(await forge.find(repository, fingerprint, signal)).toMatchObject({ forgeId, fingerprint })
      expect(await codeOf(forge.find(MISSING, fingerprint, signal))).toBe('forge-repository')
    })

    it('lists keys across pages, all of them and each once', async () => {
      const repository = await subject.repository()
      const keys = Array.from({ length: subject.page + 3 }, () => fresh())
      for (const key of keys) await forge.create(repository, key, signal)
      const listed = await forge.list(repository, signal)
      expect(listed.map(({ title }) => String(title)).sort()).toEqual(keys.map(({ title }) => title).sort())
      expect(new Set(listed.map(({ forgeId }) => forgeId)).size).toBe(keys.length)
    })

    it('revokes a key, and what is gone already is revoked', async () => {
      const repository = await subject.repository()
      const kept = await forge.create(repository, fresh(), signal)
      const key = await forge.create(repository, fresh(), signal)
      await forge.revoke(repository, key, signal)
      await forge.revoke(repository, key, signal)
      expect(await forge.list(repository, signal)).toMatchObject([{ forgeId: kept.forgeId }])
    })

    it('revokes nothing under an id that another key has by now', async () => {
      const repository = await subject.repository()
      const { forgeId } = await forge.create(repository, fresh(), signal)
      const mistaken = { forgeId, fingerprint: sshFingerprint(createSshKey().publicKey) ?? '' }
      expect(await codeOf(forge.revoke(repository, mistaken, signal))).toBe('forge-key-changed')
      expect(await forge.list(repository, signal)).toHaveLength(1)
    })

    it('says of a repository that is not there, or not to be seen, that it is so: nothing is gone by that', async () => {
      const key = { forgeId: '1', fingerprint: 'SHA256:x' }
      expect(await codeOf(forge.list(MISSING, signal))).toBe('forge-repository')
      expect(await codeOf(forge.create(MISSING, fresh(), signal))).toBe('forge-repository')
      expect(await codeOf(forge.revoke(MISSING, key, signal))).toBe('forge-repository')
    })

    it('refuses names that are none of a repository before it asks', async () => {
      for (const bad of [
        '',
        'app',
        '../admin/x',
        'a/..',
        'a//b',
        'a/b?x=1',
        'a/b#',
        'a/b%2fc',
        'a/b\r\nx: y',
      ])
        expect([bad, await codeOf(forge.list(bad, signal))]).toEqual([bad, 'forge-repository-name'])
    })

    it('says of a token that is not accepted that it is so', async () => {
      const stranger = subject.open({ token: new Secret('not-a-token-of-this-forge') })
      expect(await codeOf(stranger.list(await subject.repository(), signal))).toBe('forge-unauthorized')
    })

    it('starts nothing for a signal that is aborted', async () => {
      const repository = await subject.repository()
      const aborted = AbortSignal.abort(new Error('stopped by hand'))
      await expect(forge.create(repository, fresh(), aborted)).rejects.toThrow('stopped by hand')
      expect(await forge.list(repository, signal)).toEqual([])
    })

    describe('when answers are lost', () => {
      const through = (loss: Loss) =>
        subject.open({
          api: subject.api.replace(/:\d+/, `:${losing.port}`),
          timeoutMs: patience(loss),
        })

      /** As often as the errors allow it; the number of calls. */
      async function insisting<T>(
        work: () => Promise<T>,
      ): Promise<{ readonly result: T; readonly calls: number }> {
        for (let calls = 1; ; calls += 1) {
          try {
            return { result: await work(), calls }
          } catch (error) {
            if (!(error instanceof ForgeError) || !error.transient || calls > 5) throw error
          }
        }
      }

      /** One more than without the loss; on a busy machine a short wait is too short now and then. */
      function expectCalls(loss: Loss, step: number, calls: number): void {
        if (loss === 'late') expect(calls).toBeGreaterThanOrEqual(2)
        else expect([step, calls]).toEqual([step, 2])
      }

      /** Requests of one undisturbed run. */
      async function requestsOf(work: () => Promise<unknown>): Promise<number> {
        losing.lose('lost', -1)
        await work()
        return losing.seen
      }

      it.each(LOSSES)(
        'makes one key, never two, whichever of the answers is lost (%s)',
        async (loss: Loss) => {
          const lossy = through(loss)
          const repository = await subject.repository()
          const steps = await requestsOf(() => lossy.create(repository, fresh(), signal))
          expect(steps).toBeGreaterThan(1)
          for (let step = 0; step < steps; step += 1) {
            const key = fresh()
            losing.lose(loss, step)
            const { result, calls } = await insisting(() => lossy.create(repository, key, signal))
            expectCalls(loss, step, calls)
            const same = (await forge.list(repository, signal)).filter(
              ({ fingerprint }) => fingerprint === sshFingerprint(key.publicKey),
            )
            expect(same).toMatchObject([{ forgeId: result.forgeId }])
          }
          expect(await forge.list(repository, signal)).toHaveLength(steps + 1)
        },
      )

      it.each(LOSSES)('leaves no key, whichever of the answers is lost (%s)', async (loss: Loss) => {
        const lossy = through(loss)
        const repository = await subject.repository()
        const first = await forge.create(repository, fresh(), signal)
        const steps = await requestsOf(() => lossy.revoke(repository, first, signal))
        expect(steps).toBeGreaterThan(1)
        for (let step = 0; step < steps; step += 1) {
          const key = await forge.create(repository, fresh(), signal)
          losing.lose(loss, step)
          const { calls } = await insisting(() => lossy.revoke(repository, key, signal))
          expectCalls(loss, step, calls)
          expect(await forge.list(repository, signal)).toEqual([])
        }
      })

      it('says whether it may have been done', async () => {
        const fates: Record<string, string> = {}
        for (const loss of LOSSES) {
          const repository = await subject.repository()
          // The list of a repository without keys is one request.
          losing.lose(loss, 1)
          fates[loss] = await through(loss)
            .create(repository, fresh(), signal)
            .then(
              () => 'done',
              (error: unknown) => (error instanceof ForgeError ? error.fate : String(error)),
            )
        }
        const repository = await subject.repository()
        const key = await forge.create(repository, fresh(), signal)
        // Behind the removal the list is read once more.
        losing.lose('bad-gateway', 2)
        fates['behind the removal'] = await through('bad-gateway')
          .revoke(repository, key, signal)
          .then(
            () => 'done',
            (error: unknown) => (error instanceof ForgeError ? error.fate : String(error)),
          )
        expect(fates).toMatchObject({
          'behind the removal': 'unknown',
          lost: 'unknown',
          cut: 'unknown',
          'bad-gateway': 'unknown',
          late: 'unknown',
        })
      })
    })
  })
}
