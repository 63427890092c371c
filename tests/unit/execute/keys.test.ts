import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { lostAnswer } from '../../../src/drivers/memory/forge.ts'
import type { LiveKey } from '../../../src/drivers/memory/world.ts'
import { keyTitle, parseKeyTitle } from '../../../src/model/deploy-key.ts'
import { address } from '../../../src/model/address.ts'
import { ForgeError } from '../../../src/model/forge-error.ts'
import { createSshKey } from '../../../src/model/ssh-key.ts'
import { stackFolder } from '../../../src/state/home.ts'
import { desiredOf, FORGE } from '../reconcile/stacks.ts'
import type { RemoteShape } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'

const push = ['refs/heads/agent/*']
const HOUR = 3_600_000
const stack = (remotes: Readonly<Record<string, RemoteShape>>, routes: readonly string[] = []) =>
  desiredOf({ dev: { routes: Object.fromEntries(routes.map((host) => [host, []])), remotes } })
const app = { repository: 'acme/app', allow: push }

const labs: Laboratory[] = []
afterEach(() => labs.splice(0).forEach((lab) => lab.close()))

async function applied(...args: Parameters<typeof stack>): Promise<Laboratory> {
  const lab = await laboratory()
  labs.push(lab)
  expect(told(await lab.run(stack(...args))).at(-1)).toBe('ended done')
  lab.calls.length = 0
  return lab
}

const listed = (lab: Laboratory, repository = 'acme/app') =>
  lab.world.read().forges[FORGE.api]?.[repository] ?? []
const changeKeys = (lab: Laboratory, change: (key: LiveKey) => LiveKey) =>
  lab.world.change(({ forges }) => {
    const repositories = forges[FORGE.api] ?? {}
    for (const [name, keys] of Object.entries(repositories)) repositories[name] = keys.map(change)
  })
const isEffect = (call: string) => /^(forge (create|revoke)|bundle (configure|verify))/.test(call)

describe('a deploy key', () => {
  it('is made for its remote alone, with a title that says whose it is', async () => {
    const lab = await applied({ origin: app, docs: { repository: 'acme/docs', allow: [] } })
    const [key] = listed(lab)
    expect(parseKeyTitle(key?.title ?? '')).toMatchObject({
      installation: lab.home.installation,
      stack: 'acme',
      address: 'key/dev/origin',
    })
    expect(key?.readOnly).toBe(false)
    expect(listed(lab, 'acme/docs').map(({ readOnly }) => readOnly)).toEqual([true])
  })

  it('is tried at its upstream, then in use, before the one that it takes the place of is revoked', async () => {
    const rotated = { origin: { ...app, rotate: HOUR } }
    const lab = await applied(rotated)
    lab.clock.advance(2 * HOUR)
    await lab.run(stack(rotated))
    expect(lab.calls.filter(isEffect)).toEqual([
      'forge create acme/app',
      'bundle verify dev',
      'bundle configure dev',
      'forge revoke acme/app',
    ])
  })

  it('with less access is made only when the one with more is revoked', async () => {
    const lab = await applied({ origin: app })
    await lab.run(stack({ origin: { ...app, allow: [] } }))
    const effects = lab.calls.filter(isEffect)
    expect(effects.indexOf('forge revoke acme/app')).toBeLessThan(effects.indexOf('forge create acme/app'))
    expect(listed(lab).map(({ readOnly }) => readOnly)).toEqual([true])
  })

  it('of another repository opens after the gate has closed the one before', async () => {
    const lab = await applied({ origin: app })
    await lab.run(stack({ origin: { ...app, repository: 'acme/site' } }))
    const effects = lab.calls.filter(isEffect)
    expect(effects[0]).toBe('bundle configure dev')
    expect(effects.indexOf('forge revoke acme/app')).toBeLessThan(effects.indexOf('forge create acme/site'))
    expect(listed(lab)).toEqual([])
  })

  it('is revoked also where its bottle cannot be taken down', async () => {
    const lab = await applied({ origin: app })
    lab.faults.add({ call: 'perform remove bundle/dev', moment: 'before' })
    const events = told(await lab.run(desiredOf({})))
    expect(events).toContain('bundle/dev failed (memory-fault)')
    expect(events).toContain('key/dev/origin done')
    expect(listed(lab)).toEqual([])
  })

  it('that could not be revoked is a failure by name, keeps nothing else, and is revoked by the next run', async () => {
    const lab = await applied({ origin: app })
    const refused = (call: string) =>
      new ForgeError(`${call}: 403`, { code: 'forge-forbidden', fate: 'refused' })
    lab.faults.add({ call: 'forge revoke acme/app', moment: 'before', error: refused })
    const events = told(await lab.run(desiredOf({})))
    expect(events).toContain('key/dev/origin failed (forge-forbidden)')
    expect(events).toContain('bottle/dev done')
    expect(events.at(-1)).toBe('ended failed')
    expect((await lab.planned(desiredOf({}))).actions.map(({ address: at, verb }) => [at, verb])).toEqual([
      ['key/dev/origin', 'remove'],
    ])
    expect(told(await lab.run(desiredOf({}))).at(-1)).toBe('ended done')
    expect(listed(lab)).toEqual([])
    expect(lab.keys.rows().rows).toEqual([])
  })

  it('that could not be revoked keeps what opens in its bottle from opening', async () => {
    const lab = await applied({ origin: app })
    lab.faults.add({ call: 'forge revoke acme/app', moment: 'before', error: lostAnswer })
    const events = told(await lab.run(stack({ other: app }, ['a.example'])))
    expect(events).toContain('key/dev/origin failed (forge-timeout)')
    expect(events).toContain('route/dev/a.example skipped because key/dev/origin')
    expect(events).toContain('key/dev/other skipped because key/dev/origin')
  })

  it('of which nobody can tell anything keeps only what needs it from being done', async () => {
    const [fetching, pushing] = [{ ...app, allow: [] }, app]
    const lab = await applied({ origin: fetching })
    lab.faults.add({ call: 'forge list acme/app', moment: 'before', error: lostAnswer })
    const events = told(await lab.run(stack({ origin: pushing }, ['a.example'])))
    expect(events).toContain('key/dev/origin blocked (blocked)')
    expect(events).toContain('remote/dev/origin blocked because key/dev/origin (blocked)')
    expect(events).toContain('route/dev/a.example done')
    expect(listed(lab).map(({ readOnly }) => readOnly)).toEqual([true])
    const { gate } = lab.world.read().stacks['acme']?.bundles['dev'] ?? {}
    expect(gate?.remotes.map((remote) => remote.push.allow)).toEqual([[]])
  })

  it('of another installation, stack or engine is never touched, whatever its title says of this bottle', async () => {
    const lab = await applied({ origin: app })
    const [own] = listed(lab)
    const mark = parseKeyTitle(own?.title ?? '')
    if (!mark) throw new Error('the key has no title of ours')
    const others = [
      { ...mark, installation: '0123456789abcdef' },
      { ...mark, stack: 'other' },
      { ...mark, id: '0123456789abcdef' },
    ].map((other) => ({ title: keyTitle(other), publicKey: createSshKey().publicKey, readOnly: false }))
    const signal = new AbortController().signal
    for (const key of others) await lab.forge(FORGE.provider, FORGE.api).create('acme/app', key, signal)
    expect((await lab.planned(stack({ origin: app }))).actions).toEqual([])
    await lab.run(desiredOf({}))
    expect(listed(lab).map(({ title }) => title)).toEqual(others.map(({ title }) => title))
  })

  it('of ours without a row here is revoked, and the remote gets one that is held', async () => {
    const lab = await applied({ origin: app })
    const [row] = lab.keys.rows().rows
    lab.keys.forget(row?.id ?? '')
    await lab.run(stack({ origin: app }))
    const [kept] = lab.keys.rows().rows
    expect(listed(lab).map(({ publicKey }) => publicKey)).toEqual([kept?.publicKey])
    expect(kept?.id).not.toBe(row?.id)
    expect((await lab.planned(stack({ origin: app }))).actions).toEqual([])
  })

  it('whose access somebody changed at the forge is made anew', async () => {
    const lab = await applied({ origin: app })
    const [before] = listed(lab)
    changeKeys(lab, (key) => ({ ...key, readOnly: true }))
    await lab.run(stack({ origin: app }))
    expect(listed(lab)).toMatchObject([{ readOnly: false }])
    expect(listed(lab)[0]?.publicKey).not.toBe(before?.publicKey)
    expect((await lab.planned(stack({ origin: app }))).actions).toEqual([])
  })

  it('stays ours under another title', async () => {
    const lab = await applied({ origin: app })
    changeKeys(lab, (key) => ({ ...key, title: 'renamed' }))
    expect((await lab.planned(stack({ origin: app }))).actions).toEqual([])
    await lab.run(desiredOf({}))
    expect(listed(lab)).toEqual([])
  })

  it('that has the title of another of ours is revoked, and the other and its pair stay', async () => {
    const lab = await applied({ origin: app })
    const [row] = lab.keys.rows().rows
    const copy = { title: row?.title ?? '', publicKey: createSshKey().publicKey, readOnly: false }
    const signal = new AbortController().signal
    await lab.forge(FORGE.provider, FORGE.api).create('acme/app', copy, signal)
    await lab.run(stack({ origin: app }))
    expect(listed(lab).map(({ publicKey }) => publicKey)).toEqual([row?.publicKey])
    expect(lab.keys.rows().rows).toEqual([row])
  })

  it('whose file in the state folder is not whole is made anew, and the file goes with the old one', async () => {
    const lab = await applied({ origin: app })
    const [row] = lab.keys.rows().rows
    const folder = join(stackFolder(lab.home, lab.world.read().engineId, 'acme'), 'keys')
    writeFileSync(join(folder, `deploy-${row?.id}.json`), 'half')
    expect(lab.keys.rows().damaged).toEqual([row?.id])
    await lab.run(stack({ origin: app }))
    const { rows, damaged } = lab.keys.rows()
    expect(damaged).toEqual([])
    expect(listed(lab).map(({ publicKey }) => publicKey)).toEqual(rows.map(({ publicKey }) => publicKey))
    expect(rows[0]?.publicKey).not.toBe(row?.publicKey)
  })

  it('shows its private half in no plan, event, row of the journal or record', async () => {
    const lab = await laboratory()
    labs.push(lab)
    const desired = stack({ origin: app })
    const plan = await lab.planned(desired)
    const events = await lab.run(desired)
    const secret = lab.keys.privateKey(lab.keys.rows().rows[0]?.id ?? '')?.reveal() ?? ''
    const body = secret.split('\n').slice(2, -3).join('\n')
    const { record } = lab.world.read().stacks['acme'] ?? {}
    const shown = JSON.stringify([plan, events, lab.journal.rows(), lab.records.all(), record])
    expect(body.length).toBeGreaterThan(100)
    for (const line of body.split('\n')) expect(shown).not.toContain(line)
    expect(JSON.stringify(lab.world.read().stacks['acme']?.bundles)).toContain(body.split('\n')[0])
  })
})

describe('a remote', () => {
  it('is closed at the gate before it is gone from the bundle', async () => {
    const lab = await applied({ origin: app })
    await lab.run(stack({}))
    const closed = lab.calls.indexOf('bundle configure dev')
    expect(closed).toBeGreaterThanOrEqual(0)
    expect(closed).toBeLessThan(lab.calls.indexOf('perform create-then-remove bundle/dev'))
  })

  it('whose identity the gate has lost is handed it again', async () => {
    const lab = await applied({ origin: app })
    lab.world.change((state) => {
      const bundle = state.stacks['acme']?.bundles['dev']
      if (bundle?.gate) bundle.gate = { ...bundle.gate, identities: {} }
    })
    const [action] = (await lab.planned(stack({ origin: app }))).actions
    expect(action).toMatchObject({
      address: address.remote('dev', 'origin'),
      reason: 'drift: credential missing',
    })
    await lab.run(stack({ origin: app }))
    expect((await lab.planned(stack({ origin: app }))).actions).toEqual([])
  })

  it('is dialled by the uplink for its bottle alone', async () => {
    const lab = await applied({ origin: app })
    const { tables = {} } = lab.world.read().stacks['acme']?.uplink ?? {}
    expect(tables['dev']?.targets).toEqual([{ host: 'forge.example', port: 22, allowPrivate: false }])
  })
})
