/** What the gate's `ls-remote` decides: whether a key is in force, and what becomes of the one before it. */
import { afterEach, describe, expect, it } from 'vitest'
import { transientError } from '../../../src/drivers/memory/faults.ts'
import type { UpstreamTrouble } from '../../../src/model/gate.ts'
import type { SecretRef } from '../../../src/model/secret.ts'
import { createSshKey } from '../../../src/model/ssh-key.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import { currentRow } from '../../../src/resources/key/rows.ts'
import { desiredOf, FORGE } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'

const HOUR = 3_600_000
const app = { repository: 'acme/app', allow: ['refs/heads/agent/*'] }
const rotated = desiredOf({ dev: { routes: {}, remotes: { origin: { ...app, rotate: HOUR } } } })
const declared = desiredOf({ dev: { routes: { 'a.example': [] }, remotes: { origin: app } } })

const labs: Laboratory[] = []
afterEach(() => labs.splice(0).forEach((lab) => lab.close()))

async function opened(before?: Desired): Promise<Laboratory> {
  const lab = await laboratory({ secrets: { OWN_KEY: createSshKey('me@laptop').privateKey.reveal() } })
  labs.push(lab)
  if (before) expect(told(await lab.run(before)).at(-1)).toBe('ended done')
  lab.calls.length = 0
  return lab
}

const close = (lab: Laboratory, rule?: UpstreamTrouble['rule']) =>
  lab.world.change((state) => void (state.closedHosts = rule ? { 'forge.example': rule } : {}))
const listed = (lab: Laboratory) => lab.world.read().forges[FORGE.api]?.['acme/app'] ?? []
const gateOf = (lab: Laboratory) => lab.world.read().stacks['acme']?.bundles['dev']?.gate
const failureOf = (events: Awaited<ReturnType<Laboratory['run']>>, at: string) =>
  events.flatMap((event) =>
    event.type === 'action-ended' && event.address === at ? (event.error ?? []) : [],
  )[0]

/** The same remote with a key of the user's in place of a deploy key. */
function withOwnKey(desired: Desired, name = 'OWN_KEY'): Desired {
  const identityRef: SecretRef = { from: 'env', name }
  return {
    ...desired,
    resources: desired.resources.flatMap((each) => {
      if (each.kind === 'key') return []
      if (each.kind !== 'remote') return [each]
      const spec = { ...(each.spec as object), identity: `env:${name}`, identityRef }
      return [{ ...each, spec, needs: each.needs.filter((need) => !need.startsWith('key/')) }]
    }),
  }
}

/** The same remote with another pinned host key. */
function withHostKey(desired: Desired, line: string): Desired {
  const resources = desired.resources.map((each) =>
    each.kind === 'remote' ? { ...each, spec: { ...(each.spec as object), hostKeys: [line] } } : each,
  )
  return { ...desired, resources }
}

describe('(GIT-22) a deploy key that its upstream does not take', () => {
  it('when it is to replace another leaves that one in force, at the forge and at the gate', async () => {
    const lab = await opened(rotated)
    const [old] = listed(lab)
    const held = gateOf(lab)?.identities['origin']
    lab.clock.advance(2 * HOUR)
    close(lab, 'identity-refused')
    const events = await lab.run(rotated)
    expect(told(events)).toContain('key/dev/origin failed (identity-refused)')
    expect(listed(lab)).toContainEqual(old)
    expect(gateOf(lab)?.identities['origin']).toBe(held)
    expect(lab.calls).not.toContain('bundle configure dev')
    const { rows } = lab.keys.rows()
    expect(currentRow(rows, 'key/dev/origin')?.publicKey).toBe(old?.publicKey)
  })

  it('is the one that the next run tries: no third is made, and the old goes once it opens', async () => {
    const lab = await opened(rotated)
    const [old] = listed(lab)
    lab.clock.advance(2 * HOUR)
    close(lab, 'identity-refused')
    await lab.run(rotated)
    const next = listed(lab).find(({ publicKey }) => publicKey !== old?.publicKey)
    await lab.run(rotated)
    expect(listed(lab)).toHaveLength(2)
    close(lab)
    expect(told(await lab.run(rotated)).at(-1)).toBe('ended done')
    expect(listed(lab)).toEqual([next])
    expect((await lab.planned(rotated)).actions).toEqual([])
  })

  it('goes where its rotation is no longer declared', async () => {
    const lab = await opened(rotated)
    const [old] = listed(lab)
    lab.clock.advance(2 * HOUR)
    close(lab, 'upstream-unreachable')
    await lab.run(rotated)
    const still = desiredOf({ dev: { routes: {}, remotes: { origin: app } } })
    await lab.run(still)
    expect(listed(lab)).toEqual([old])
    close(lab)
    expect((await lab.planned(still)).actions).toEqual([])
  })

  it('is told with remote, host, reason and way out', async () => {
    const lab = await opened(rotated)
    lab.clock.advance(2 * HOUR)
    close(lab, 'identity-refused')
    const { message, hint } = failureOf(await lab.run(rotated), 'key/dev/origin') ?? {}
    expect(message).toBe(
      'remote/dev/origin: its upstream was asked and did not answer: forge.example:22 takes no key.',
    )
    expect(hint).toContain('see at forge.example that deploy keys may be used')
    expect(hint).toContain('then `bot-bottle apply`; until then the key before it stays in force')
  })

  it('is asked for again within one run: a forge may take a moment', async () => {
    const lab = await opened()
    lab.faults.add({ call: 'bundle verify dev', moment: 'before', times: 1, error: transientError })
    expect(told(await lab.run(declared)).at(-1)).toBe('ended done')
  })
})

describe('a new remote', () => {
  it('whose upstream does not answer is a failure, and what else is opened with it is done', async () => {
    const lab = await opened()
    close(lab, 'repository-refused')
    const events = told(await lab.run(declared))
    expect(events).toContain('key/dev/origin done')
    expect(events).toContain('remote/dev/origin failed (repository-refused)')
    expect(events).toContain('route/dev/a.example done')
    expect(events).toContain('guest/dev skipped because remote/dev/origin')
    expect(events.at(-1)).toBe('ended failed')
  })

  it('is asked again by the next run, and only then counts as done', async () => {
    const lab = await opened()
    close(lab, 'upstream-unreachable')
    await lab.run(declared)
    const [action] = (await lab.planned(declared)).actions.filter(({ kind }) => kind === 'remote')
    expect(action?.differences).toMatchObject([{ path: 'credential', before: 'unverified' }])
    close(lab)
    expect(told(await lab.run(declared)).at(-1)).toBe('ended done')
    expect((await lab.planned(declared)).actions).toEqual([])
    const { rows } = lab.keys.rows()
    expect(rows.map(({ verifiedAt }) => typeof verifiedAt)).toEqual(['string'])
  })

  it('with a key of the user is asked like any other, and the way out names the reference', async () => {
    const lab = await opened()
    close(lab, 'identity-refused')
    const own = withOwnKey(declared)
    const failure = failureOf(await lab.run(own), 'remote/dev/origin')
    expect(failure?.hint).toContain('register the public half of OWN_KEY at forge.example')
    expect(lab.calls.filter((call) => call === 'bundle verify dev')).toHaveLength(1)
    close(lab)
    expect(told(await lab.run(own)).at(-1)).toBe('ended done')
    expect((await lab.planned(own)).actions).toEqual([])
  })

  it('whose pinned host key is changed is asked anew, and fails where the server shows another', async () => {
    const lab = await opened(declared)
    close(lab, 'host-key-changed')
    const events = told(await lab.run(withHostKey(declared, 'ssh-ed25519 AAAAotherotherother')))
    expect(events).toContain('remote/dev/origin failed (host-key-changed)')
    expect(events.at(-1)).toBe('ended failed')
  })

  it('whose key is changed is asked with the new one; a change of what may be pushed asks nothing', async () => {
    const own = withOwnKey(declared)
    const lab = await opened(own)
    lab.secrets['OTHER_KEY'] = createSshKey('other@laptop').privateKey.reveal()
    await lab.run(withOwnKey(declared, 'OTHER_KEY'))
    expect(lab.calls).toContain('bundle verify dev')
    lab.calls.length = 0
    const wider = { ...app, allow: [...app.allow, 'refs/heads/docs/*'] }
    const edited = desiredOf({ dev: { routes: { 'a.example': [] }, remotes: { origin: wider } } })
    expect(told(await lab.run(withOwnKey(edited, 'OTHER_KEY'))).at(-1)).toBe('ended done')
    expect(lab.calls).toContain('bundle configure dev')
    expect(lab.calls).not.toContain('bundle verify dev')
  })
})
