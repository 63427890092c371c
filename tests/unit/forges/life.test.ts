/** Deploy keys from manifest to forge and back, with everything that can be cut off on the way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeKey } from '../../../src/execute/deploy-keys.ts'
import { address } from '../../../src/model/address.ts'
import type { WantedKey } from '../../../src/model/key-row.ts'
import { createSshKey, sshFingerprint } from '../../../src/model/ssh-key.ts'
import type { KeyDecision } from '../../../src/reconcile/deploy-keys.ts'
import { openDeployKeys } from '../../../src/state/deploy-keys.ts'
import type { DeployKeys } from '../../../src/state/deploy-keys.ts'
import { openHome, stackFolder } from '../../../src/state/home.ts'
import { applyKeys, decideFor, type KeyWorld } from '../../conformance/forges/applying.ts'
import { memoryForge } from './memory-forge.ts'
import type { MemoryForge } from './memory-forge.ts'

const signal = new AbortController().signal
const STACK = { engineId: 'engine', stack: 'acme' }
const wanted = (remote: string, readOnly = true): WantedKey => ({
  address: address.key('dev', remote),
  provider: 'memory',
  api: 'https://forge.example',
  repository: 'acme/app',
  readOnly,
  tokenRef: { from: 'env', name: 'TOKEN' },
  allowPrivate: false,
  trust: [],
})

let dir: string
let forge: MemoryForge
let ticks: number
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bb-life-'))
  forge = memoryForge()
  ticks = Date.parse('2026-11-21T12:00:00.000Z')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const home = (name = 'home') => openHome({ env: {}, stateDir: join(dir, name) })
const open = (name?: string) => openDeployKeys({ home: home(name), ...STACK })
const clock = { now: () => (ticks += 1000), elapsed: () => 0, sleep: async () => {} }

interface Run {
  readonly keys?: DeployKeys
  readonly homeName?: string
  readonly rotate?: ReadonlyMap<WantedKey['address'], string>
}

const world = ({ keys, homeName, rotate }: Run): KeyWorld => ({
  ...STACK,
  installation: home(homeName).installation,
  repository: 'acme/app',
  keys: keys ?? open(homeName),
  forge,
  clock,
  signal,
  ...(rotate && { rotate }),
})
const apply = (manifest: readonly WantedKey[], run: Run = {}) => applyKeys(world(run), manifest)
const decide = (manifest: readonly WantedKey[], run: Run = {}) => decideFor(world(run), manifest)

const counts = ({ keep, make, revoke, forget, shown }: KeyDecision) => ({
  keep: keep.length,
  make: make.map(({ resume }) => (resume ? 'resume' : 'new')),
  revoke: revoke.map(({ why }) => why),
  forget: forget.length,
  shown: shown.map(({ is }) => is),
})
const NOTHING = { make: [], revoke: [], forget: 0, shown: [] }

describe('a deploy key', () => {
  it('is made once, kept, and revoked when nothing declares it', async () => {
    await apply([wanted('origin')])
    expect(counts(await apply([wanted('origin')]))).toEqual({ ...NOTHING, keep: 1 })
    expect(forge.keys.size).toBe(1)
    expect(counts(await apply([]))).toEqual({ ...NOTHING, keep: 0, revoke: ['undeclared'] })
    expect([forge.keys.size, open().rows().rows]).toEqual([0, []])
  })

  it('of another access is another key', async () => {
    await apply([wanted('origin', true)])
    const { keep } = await decide([wanted('origin', false)])
    expect(keep).toEqual([])
    await apply([wanted('origin', false)])
    expect([...forge.keys.values()]).toMatchObject([{ readOnly: false }])
  })

  it('whose access somebody changed at the forge is made anew', async () => {
    await apply([wanted('origin')])
    for (const [id, key] of forge.keys) forge.keys.set(id, { ...key, readOnly: false })
    expect(counts(await apply([wanted('origin')]))).toMatchObject({ make: ['new'], revoke: ['access'] })
    expect([...forge.keys.values()]).toMatchObject([{ readOnly: true }])
  })

  it('that somebody removed at the forge is made anew, with a pair of its own', async () => {
    await apply([wanted('origin')])
    const [before] = open().rows().rows
    forge.keys.clear()
    expect(counts(await apply([wanted('origin')]))).toMatchObject({ make: ['new'], forget: 1 })
    expect(open().rows().rows).toHaveLength(1)
    expect(open().rows().rows[0]?.fingerprint).not.toBe(before?.fingerprint)
  })

  it('stays ours under another title', async () => {
    await apply([wanted('origin')])
    for (const [id, key] of forge.keys) forge.keys.set(id, { ...key, title: 'renamed' as typeof key.title })
    expect(counts(await decide([wanted('origin')]))).toEqual({ ...NOTHING, keep: 1 })
    await apply([])
    expect(forge.keys.size).toBe(0)
  })

  it('that is due gets a successor, and goes when that is there', async () => {
    await apply([wanted('origin')])
    const [old] = [...forge.keys.keys()]
    const rotate = new Map([[wanted('origin').address, new Date(ticks + 1).toISOString()]])
    const first = await apply([wanted('origin')], { rotate })
    expect(first.keep).toMatchObject([{ due: true }])
    expect(counts(first)).toMatchObject({ make: ['new'], revoke: [] })
    expect(forge.keys.size).toBe(2)
    expect(counts(await apply([wanted('origin')], { rotate }))).toMatchObject({
      keep: 1,
      make: [],
      revoke: ['superseded'],
    })
    expect([...forge.keys.keys()]).toHaveLength(1)
    expect([...forge.keys.keys()]).not.toContain(old)
  })
})

describe('without the state folder', () => {
  it('keys of ours are known by their titles: new ones are made, the old revoked', async () => {
    await apply([wanted('origin'), wanted('tools')])
    for (const { id } of open().rows().rows) open().forget(id)
    expect(counts(await apply([wanted('origin')]))).toMatchObject({
      make: ['new'],
      revoke: ['unknown-pair', 'unknown-pair'],
    })
    expect(forge.keys.size).toBe(1)
  })

  it('a file that is not whole goes with its key', async () => {
    await apply([wanted('origin')])
    const [row] = open().rows().rows
    writeFileSync(join(stackFolder(home(), 'engine', 'acme'), 'keys', `deploy-${row?.id}.json`), 'half')
    expect(open().rows().damaged).toEqual([row?.id])
    await apply([wanted('origin')])
    expect(open().rows()).toMatchObject({ rows: [{ address: 'key/dev/origin' }], damaged: [] })
    expect(forge.keys.size).toBe(1)
  })
})

describe('keys of others', () => {
  it('are shown and never touched: another installation, stack, engine, and whatever is no key of ours', async () => {
    await apply([wanted('origin')], { homeName: 'colleague' })
    const elsewhere = [
      { ...STACK, stack: 'other' },
      { ...STACK, engineId: 'another' },
    ]
    for (const place of elsewhere)
      await makeKey(
        { keys: openDeployKeys({ home: home(), ...place }), forge, clock, signal },
        wanted('origin'),
      )
    await forge.create(
      'acme/app',
      {
        title: 'deploy@host',
        publicKey: createSshKey().publicKey,
        readOnly: false,
      },
      signal,
    )
    const before = [...forge.keys.keys()]
    await apply([wanted('origin')])
    expect(counts(await apply([]))).toMatchObject({
      revoke: ['undeclared'],
      shown: ['foreign', 'elsewhere', 'elsewhere', 'unmarked'],
    })
    expect([...forge.keys.keys()]).toEqual(before)
  })

  it('with a title of ours on them are ours to revoke, and do not harm the pair of that id', async () => {
    await apply([wanted('origin')])
    const [row] = open().rows().rows
    const { publicKey } = createSshKey()
    await forge.create('acme/app', { title: row?.title ?? '', publicKey, readOnly: true }, signal)
    expect(counts(await apply([wanted('origin')]))).toMatchObject({ keep: 1, revoke: ['unknown-pair'] })
    expect(open().rows().rows).toEqual([row])
    expect(await forge.find('acme/app', sshFingerprint(publicKey) ?? '', signal)).toBeUndefined()
  })
})

class Killed extends Error {}

/** The run ends at its n-th step, before or after it; afterwards everything works again. */
function killing(at: number): { readonly keys: DeployKeys; readonly steps: () => number } {
  let steps = 0
  const step = () => {
    if (steps === at) throw new Killed()
    steps += 1
  }
  const keys = open()
  forge.around = step
  const around = <T>(work: () => T): T => {
    step()
    const result = work()
    step()
    return result
  }
  return {
    steps: () => steps,
    keys: {
      ...keys,
      begin: (one, now) => around(() => keys.begin(one, now)),
      end: (id, forgeId, now) => around(() => keys.end(id, forgeId, now)),
      retire: (id, now) => around(() => keys.retire(id, now)),
      forget: (id) => around(() => keys.forget(id)),
    },
  }
}

const CHANGES: readonly (readonly [string, readonly WantedKey[], readonly WantedKey[]])[] = [
  ['the first apply', [], [wanted('origin'), wanted('tools', false)]],
  ['a change of access', [wanted('origin', true)], [wanted('origin', false)]],
  ['a remote more and one less', [wanted('origin'), wanted('tools')], [wanted('tools'), wanted('docs')]],
  ['destroy', [wanted('origin'), wanted('tools', false)], []],
]

describe.each(CHANGES)('a run that is killed: %s', (_name, before, after) => {
  it('is finished by the next at every point, with exactly the declared keys, and then nothing is left to do', async () => {
    const untouched = createSshKey().publicKey
    let points = 0
    for (let at = 0; ; at += 1) {
      rmSync(join(dir, 'home'), { recursive: true, force: true })
      forge = memoryForge()
      await forge.create('acme/app', { title: 'somebody', publicKey: untouched, readOnly: true }, signal)
      await apply(before)
      const { keys, steps } = killing(at)
      const ended = await apply(after, { keys }).then(
        () => true,
        (thrown: unknown) => {
          if (!(thrown instanceof Killed)) throw thrown
          return false
        },
      )
      forge.around = () => {}
      await apply(after)
      const left = await decide(after)
      expect([at, counts(left)]).toEqual([at, { ...NOTHING, keep: after.length, shown: ['unmarked'] }])
      const ours = [...forge.keys.values()].filter(({ title }) => title !== 'somebody')
      expect(ours.map(({ title, readOnly }) => `${title.split(' ')[3]} ${readOnly}`).sort()).toEqual(
        after.map(({ address: of, readOnly }) => `${of} ${readOnly}`).sort(),
      )
      expect(
        open()
          .rows()
          .rows.map(({ fingerprint }) => fingerprint)
          .sort(),
      ).toEqual(ours.map(({ fingerprint }) => fingerprint).sort())
      points = Math.max(points, steps())
      if (ended) break
    }
    expect(points).toBeGreaterThanOrEqual(before.length + after.length === 0 ? 0 : 6)
  })
})
