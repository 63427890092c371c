/**
 * What every driver does, told as the life of one bottle: the tests of a run build on each other. Written against
 * `src/ports/driver.ts` and the control protocol only; a driver that fails here is wrong by definition.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EgressConfig, UplinkStatus } from '../../src/model/control.ts'
import { digestOf } from '../../src/model/json.ts'
import type { StackRecord } from '../../src/model/record.ts'
import type { Observed } from '../../src/model/resource.ts'
import { Secret } from '../../src/model/secret.ts'
import { createIssuer, createRoot, fingerprintOf } from '../../src/model/x509.ts'
import type { Actuator, Effect } from '../../src/ports/driver.ts'
import type { Action } from '../../src/model/plan.ts'
import type { GuestGit } from '../../src/resources/guest/git.ts'
import { actionOn, output } from './actions.ts'
import type { Subject } from './subject.ts'

const ROUTE = {
  host: 'a.example',
  port: 443,
  scheme: 'https',
  auth: { scheme: 'bearer', secret: 'env:TOKEN' },
  tlsPassthrough: false,
  allowPrivate: false,
  gitFetch: false,
} as const
const TARGET = { host: 'a.example', port: 443, allowPrivate: false }
const CANARY = 'canary-0b1c2d3e4f-value'

export function conformance(name: string, makeSubject: () => Promise<Subject>): void {
  describe(`the driver ${name}`, () => {
    let subject: Subject
    let actuator: Actuator
    const signal = new AbortController().signal
    const token = randomBytes(32).toString('base64url')
    const ids = new Map<string, string>()

    beforeAll(async () => {
      subject = await makeSubject()
      actuator = subject.driver.actuator(subject.lease)
    })
    afterAll(() => subject?.dispose())

    const perform = (at: string, verb: Action['verb'], over: Partial<Action> = {}): Promise<Effect> => {
      const action = actionOn(subject.desired, at, verb, over)
      return actuator.perform(action, {
        signal,
        installation: subject.installation,
        stack: subject.stack,
        desired: new Map(subject.desired.map((resource) => [resource.address as string, resource])),
        materials: subject.materials,
        progress: () => undefined,
      })
    }
    const observe = () => subject.driver.observe(subject.stack)
    const find = async (at: string): Promise<Observed | undefined> => {
      const claims = (await observe()).objects.filter((object) => object.address === at)
      expect(claims.length, `objects that claim ${at}`).toBeLessThanOrEqual(1)
      return claims[0]
    }
    const answer = async (): Promise<{ nonce: string; status: UplinkStatus }> => {
      const { uplink } = await observe()
      if (!uplink || 'unknown' in uplink) throw new Error(`the uplink did not answer: ${uplink?.unknown}`)
      return uplink
    }
    const egress = async () => {
      const { nonce, status } = await answer()
      const entry = status.bottles['dev']
      if (!entry || 'unknown' in entry.supervisor)
        throw new Error(entry ? String(entry.supervisor) : 'not attached')
      return {
        nonce,
        targets: entry.targets,
        supervisor: entry.supervisor,
        egress: entry.supervisor.daemons.egress?.egress,
      }
    }
    const specOf = (at: string) =>
      subject.desired.find((resource) => resource.address === at)?.spec as Record<string, unknown>
    const config = (over: Partial<EgressConfig>): EgressConfig => ({
      generation: 1,
      policy: { log: 'blocks', routes: [ROUTE] },
      secrets: { 'env:TOKEN': CANARY },
      trust: [],
      bottle: 'dev',
      ...over,
    })
    const configure = (over: Partial<EgressConfig>) =>
      actuator.controlBundle('dev', { op: 'configure', daemon: 'egress', config: config(over) }, signal)
    const soon = <T>(look: () => Promise<T>) => expect.poll(look, { timeout: 15_000, interval: 100 })

    it('says who the engine is, the same each time', async () => {
      const id = await subject.driver.engineId()
      expect(id).not.toBe('')
      expect((await observe()).engineId).toBe(id)
    })

    it('sees nothing of a stack that is not there: absent, not unknown', async () => {
      const { state, objects, unknown, uplink } = await observe()
      expect(state.status).toBe('observed')
      expect(objects.filter(({ kind }) => kind !== 'image')).toEqual([])
      expect(unknown).toEqual([])
      expect(uplink).toBeUndefined()
      expect(await subject.driver.stacks()).not.toContain(subject.stack)
    })

    it('starts no effect for a signal that is aborted', async () => {
      const action = actionOn(subject.desired, 'uplink', 'create')
      const context = {
        signal: AbortSignal.abort(),
        installation: subject.installation,
        stack: subject.stack,
        desired: new Map(),
        materials: subject.materials,
        progress: () => undefined,
      }
      await expect(actuator.perform(action, context)).rejects.toThrow()
      expect(await find('uplink')).toBeUndefined()
    })

    it('makes the images', async () => {
      for (const { address, kind } of subject.desired) if (kind === 'image') await perform(address, 'create')
      expect((await find('image/sidecars'))?.fields).toMatchObject(specOf('image/sidecars'))
    })

    it('makes the uplink, ours and running, and asks it under a fresh nonce', async () => {
      await perform('uplink', 'create')
      const { policy: _, version: __, ...fields } = specOf('uplink')
      expect(await find('uplink')).toMatchObject({ ownership: 'ours', health: 'ok', fields })
      const [first, second] = [await answer(), await answer()]
      expect(first.nonce).not.toBe(second.nonce)
      expect(first.status).toMatchObject({ version: specOf('uplink')['version'], bottles: {} })
      expect(first.status.record).toBeUndefined()
      expect(await subject.driver.stacks()).toContain(subject.stack)
    })

    it('reads back the policy of the uplink', async () => {
      const policy = { hosts: {}, dns: [], noProxy: [], hostAddresses: ['192.0.2.7'] }
      await actuator.controlUplink({ op: 'configure', policy }, signal)
      expect((await answer()).status.policy).toEqual(policy)
    })

    it('keeps the record, takes only its successor, and has it also in a new uplink', async () => {
      const record = recordOf(subject)
      await actuator.controlUplink({ op: 'record', record }, signal)
      expect((await answer()).status.record).toEqual(record)
      const second = { ...record, revision: 2, origin: '/elsewhere' }
      await expect(actuator.controlUplink({ op: 'record', record }, signal)).rejects.toThrow()
      await expect(
        actuator.controlUplink({ op: 'record', record: { ...second, revision: 5 } }, signal),
      ).rejects.toThrow()
      await actuator.controlUplink({ op: 'record', record: second }, signal)
      const before = await find('uplink')
      await perform('uplink', 'create-then-remove', { impact: 'replace' })
      expect((await find('uplink'))?.id).not.toBe(before?.id)
      const { status } = await answer()
      expect(status.record).toEqual(second)
      expect(status.policy).toBeUndefined()
      expect(status.bottles).toEqual({})
    })

    it('makes a bottle whose every setting reads back as declared', async () => {
      await perform('bottle/dev', 'create')
      const { label: _, color: __, ...fields } = specOf('bottle/dev')
      expect(await find('bottle/dev')).toMatchObject({ ownership: 'ours', health: 'ok', fields })
    })

    it('shows it to another installation as somebody else’s', async () => {
      const seen = (await subject.stranger.observe(subject.stack)).objects
      const bottle = seen.find((object) => object.address === 'bottle/dev')
      expect(bottle?.ownership).toBe('other-installation')
      expect(bottle?.owner).toContain(subject.installation)
    })

    it('makes a bundle in the bottle’s namespace, with nothing but loopback and nothing configured', async () => {
      await perform('bundle/dev', 'create')
      const { namespace, daemons, hardening, running } = specOf('bundle/dev')
      expect((await find('bundle/dev'))?.fields).toMatchObject({ namespace, daemons, hardening, running })
      await soon(() => actuator.controlBundle('dev', { op: 'status', nonce: 'n' }, signal)).toMatchObject({
        version: specOf('bundle/dev')['version'],
        links: ['lo'],
        daemons: { egress: { state: 'running', egress: { generation: 0, routes: [], secrets: {} } } },
      })
      expect((await answer()).status.bottles).toEqual({})
    })

    it('reads back what egress and uplink enforce, and of a secret only its digest under the nonce', async () => {
      await actuator.controlUplink({ op: 'attach', bottle: 'dev', token, targets: [TARGET] }, signal)
      await configure({ uplinkToken: token, issuer: issuerFor('a.example') })
      await soon(async () => (await egress()).egress?.generation).toBe(1)
      const { nonce, targets, egress: found } = await egress()
      expect(targets).toEqual([TARGET])
      expect(found?.routes).toMatchObject([ROUTE])
      expect(found?.secrets).toEqual({ 'env:TOKEN': new Secret(CANARY).digest(nonce) })
      expect(found?.issuer?.hosts).toEqual(['a.example'])
      const all = JSON.stringify(await observe())
      expect(all).not.toContain(CANARY)
      expect(all).not.toContain(token)
    })

    it('keeps issuer and token where a configuration leaves them out', async () => {
      const before = (await egress()).egress?.issuer?.fingerprint
      await configure({ generation: 2 })
      await soon(async () => (await egress()).egress?.generation).toBe(2)
      expect((await egress()).egress?.issuer?.fingerprint).toBe(before)
    })

    it('refuses a configuration that is not newer, and tells the authorities that are trusted', async () => {
      for (const generation of [1, 2])
        await expect(configure({ generation, trust: ['PEM'] })).rejects.toMatchObject({
          code: 'generation-old',
        })
      expect((await egress()).egress?.trust).toBe(digestOf([]))
    })

    it('replaces a bottle’s table, and forgets it', async () => {
      const other = { host: 'b.example', port: 8443, allowPrivate: true }
      await actuator.controlUplink({ op: 'targets', bottle: 'dev', targets: [other] }, signal)
      expect((await egress()).targets).toEqual([other])
      await actuator.controlUplink({ op: 'detach', bottle: 'dev' }, signal)
      expect((await answer()).status.bottles).toEqual({})
      await actuator.controlUplink({ op: 'attach', bottle: 'dev', token, targets: [TARGET] }, signal)
      await soon(async () => (await egress()).egress?.generation).toBe(2)
    })

    it('provisions the guest, bound to the container it was written into', async () => {
      const effect = await perform('guest/dev', 'create')
      expect(effect.objectId).toBe((await find('bottle/dev'))?.id)
      const root = fingerprintOf(await subject.materials.rootCertificate('dev'))
      expect(effect.fields).toMatchObject({ root, probe: 'passed' })
    })

    it('tells every git of the guest what is declared, and sees where somebody wrote something else', async () => {
      const git = {
        user: { name: 'Bot', email: 'bot@acme.example' },
        remotes: { origin: { url: 'ssh://git@forge.example:22/acme/app.git' } },
      }
      const first = await perform('guest/dev', 'create')
      expect(first.fields).not.toHaveProperty('git')
      const told = await perform('guest/dev', 'update', gitUpdate(subject, first, git))
      expect(told.fields).toMatchObject({ ...first.fields, git })
      const again = await perform('guest/dev', 'update', gitUpdate(subject, told, git))
      expect(again.fields).toEqual(told.fields)
      const record = { ...recordOf(subject), revision: 3, objects: { 'guest/dev': recorded(told) } }
      await actuator.controlUplink({ op: 'record', record }, signal)
      const found = async () => (await observe()).guests?.['dev']?.gitFile
      expect(await found()).toBe(told.fields?.['gitFile'])
      await subject.editGit()
      expect(await found()).not.toBe(told.fields?.['gitFile'])
      const mended = await perform('guest/dev', 'update', gitUpdate(subject, told, git))
      expect(mended.fields).toEqual(told.fields)
      expect(await found()).toBe(told.fields?.['gitFile'])
      const gone = await perform('guest/dev', 'update', gitUpdate(subject, told, undefined))
      expect(gone.fields).toEqual(first.fields)
      expect(await found()).not.toBe(told.fields?.['gitFile'])
    })

    it('runs a program in the bottle: output, input and exit code pass through', async () => {
      const run = (argv: readonly string[]) => subject.driver.exec(subject.stack, 'dev', { argv, env: {} })
      const echo = await run(['echo', 'one', '$HOME; two'])
      expect(await output(echo)).toBe('one $HOME; two\n')
      expect(await echo.exit).toBe(0)
      expect(await (await run(['false'])).exit).toBe(1)
      const cat = await run(['cat'])
      cat.stdin.end('through')
      expect(await output(cat)).toBe('through')
      await expect(
        subject.driver.exec(subject.stack, 'nobody', { argv: ['true'], env: {} }),
      ).rejects.toThrow()
    })

    it('halts a bottle and starts it again, the same one', async () => {
      const before = await find('bottle/dev')
      await actuator.stop('dev', signal)
      expect((await find('bottle/dev'))?.fields['running']).toBe(false)
      await expect(subject.driver.exec(subject.stack, 'dev', { argv: ['true'], env: {} })).rejects.toThrow()
      await actuator.start('dev', signal)
      expect(await find('bottle/dev')).toMatchObject({ id: before?.id, fields: { running: true } })
    })

    it('makes the agent container anew while bundle, doors and secrets stay', async () => {
      const [bottle, bundle] = [await find('bottle/dev'), await find('bundle/dev')]
      await perform('bottle/dev', 'remove-then-create', { impact: 'recreate-agent' })
      expect((await find('bottle/dev'))?.id).not.toBe(bottle?.id)
      expect(await find('bundle/dev')).toMatchObject({ id: bundle?.id, fields: { namespace: 'holder' } })
      expect((await egress()).egress?.generation).toBe(2)
    })

    it('makes the bundle anew while the agent stays; what it held is gone', async () => {
      const [bottle, bundle] = [await find('bottle/dev'), await find('bundle/dev')]
      await perform('bundle/dev', 'create-then-remove', { impact: 'recreate-bundle' })
      expect((await find('bottle/dev'))?.id).toBe(bottle?.id)
      expect((await find('bundle/dev'))?.id).not.toBe(bundle?.id)
      await soon(() => actuator.controlBundle('dev', { op: 'status', nonce: 'n' }, signal)).toMatchObject({
        daemons: { egress: { egress: { generation: 0, routes: [] } } },
      })
      await soon(async () => (await answer()).status.bottles['dev']?.supervisor).toHaveProperty('unknown')
    })

    it('says that a bundle is in another namespace when the holder was made anew', async () => {
      await perform('bottle/dev', 'remove-then-create', { impact: 'recreate-holder' })
      expect((await find('bundle/dev'))?.fields['namespace']).toBe('another holder')
      await perform('bundle/dev', 'create-then-remove', { impact: 'recreate-bundle' })
      expect((await find('bundle/dev'))?.fields['namespace']).toBe('holder')
    })

    it('ends in the same world when an action is repeated after a crash', async () => {
      for (const at of ['uplink', 'bottle/dev', 'bundle/dev']) await perform(at, 'create')
      for (const at of ['uplink', 'bottle/dev', 'bundle/dev'])
        expect(await find(at), at).toMatchObject({ ownership: 'ours' })
      expect((await find('bundle/dev'))?.fields['namespace']).toBe('holder')
    })

    it('observes without changing anything', async () => {
      const [first, second] = [await observe(), await observe()]
      expect(second.objects).toEqual(first.objects)
      for (const { address, id } of first.objects) ids.set(address, id)
      for (const { address, id } of second.objects) expect(ids.get(address)).toBe(id)
    })

    it('leaves nothing of the stack behind, and removing what is gone is no error', async () => {
      for (const round of ['first', 'again']) {
        for (const at of ['bundle/dev', 'bottle/dev', 'uplink']) await perform(at, 'remove')
        expect(
          (await observe()).objects.filter(({ kind }) => kind !== 'image'),
          round,
        ).toEqual([])
      }
      expect((await observe()).uplink).toBeUndefined()
      expect(await subject.driver.stacks()).not.toContain(subject.stack)
    })

    it('does nothing more for a lease that has ended', async () => {
      subject.release()
      await expect(perform('uplink', 'create')).rejects.toThrow()
      expect(await find('uplink')).toBeUndefined()
    })
  })
}

function issuerFor(host: string): NonNullable<EgressConfig['issuer']> {
  const [notBefore, notAfter] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 86_400_000 * 9)]
  const root = createRoot({ commonName: 'conformance', notBefore, notAfter })
  return { ...createIssuer({ root, hosts: [host], notBefore, notAfter }), root: root.certificate }
}

/** What a plan makes of an edit of `git` alone. */
function gitUpdate(
  { desired }: Subject,
  before: Effect,
  git: GuestGit | undefined,
): Pick<Action, 'desired' | 'observed' | 'differences'> {
  const guest = desired.find(({ address }) => address === 'guest/dev')
  if (!guest) throw new Error('guest/dev is not declared')
  const { address, kind, driver, spec } = guest
  const { gitFile: _, ...fields } = before.fields ?? {}
  return {
    desired: { ...guest, spec: { ...(spec as object), ...(git && { git }) } },
    observed: { address, kind, driver, id: 'seen', ownership: 'ours', fields, health: 'ok' },
    differences: [{ path: 'git', cause: 'edit', impact: 'live' }],
  }
}

function recorded({ objectId, fields }: Effect): StackRecord['objects'][string] {
  return {
    digest: 'd',
    digestVersion: 1,
    ...(objectId !== undefined && { objectId }),
    ...(fields && { applied: fields }),
  }
}

function recordOf({ stack, installation }: Subject): StackRecord {
  return { version: 1, revision: 1, stack, installation, origin: '/here', objects: {}, bottles: {} }
}
