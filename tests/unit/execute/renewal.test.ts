/** A root is renewed without a program noticing: old and new stand side by side until egress has changed over. */
import { X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fingerprintOf } from '../../../src/model/x509.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'

const DAY = 86_400_000
const one = desiredOf({ dev: { routes: { 'a.example': ['/x/'] } } })
const restarted = {
  ...one,
  resources: one.resources.map((resource) =>
    resource.kind === 'bottle'
      ? { ...resource, spec: { ...(resource.spec as object), resources: { pids: 1 } } }
      : resource,
  ),
}

let lab: Laboratory
let first: string
beforeEach(async () => {
  lab = await laboratory()
  await lab.run(one)
  first = state().fingerprint
})
afterEach(() => lab.close())

const state = () => lab.roots.rootStates()[0]!
const live = () => lab.world.read().stacks['acme']!
const trusted = () => {
  const { root, nextRoot } = live().bottles['dev']!.agent!.guest!
  return [root, ...(nextRoot === undefined ? [] : [nextRoot])]
}
const shown = () => fingerprintOf(live().bundles['dev']!.config!.issuer!.root)
const actions = async (desired = one) =>
  (await lab.planned(desired)).actions.map(({ verb, address, impact }) => `${verb} ${address} ${impact}`)

/** Asserts after each change of the world that a program which starts now trusts what egress shows. */
async function watchedRun(desired = one): Promise<string[]> {
  const wrong: string[] = []
  const stop = lab.world.onChange(() => {
    if (live().bottles['dev']?.agent?.guest && !trusted().includes(shown())) wrong.push(shown())
  })
  const lines = told(await lab.run(desired))
  stop()
  expect(wrong).toEqual([])
  return lines
}

describe('from its twentieth day a root', () => {
  beforeEach(() => lab.clock.advance(20 * DAY))

  it('gets a new one beside it, disturbs nobody, and egress goes on with the old one', async () => {
    const plan = await lab.planned(one)
    expect([plan.disturbs, await actions()]).toEqual([
      false,
      ['update ca/dev next-start', 'update guest/dev next-start'],
    ])
    expect(plan.actions[0]!.notes).toEqual([
      'egress changes over when the agent restarts, at the latest on 2026-12-20',
    ])
    expect((await watchedRun()).at(-1)).toBe('ended done')
    expect(trusted()).toEqual([first, state().next!.fingerprint])
    expect(shown()).toBe(first)
    expect(await actions()).toEqual([])
  })

  it('gives way when the agent restarts anyway', async () => {
    await lab.run(one)
    const { next } = state()
    expect(await actions(restarted)).toContain('update ca/dev live')
    expect((await watchedRun(restarted)).at(-1)).toBe('ended done')
    expect([state().fingerprint, state().next, trusted(), shown()]).toEqual([
      next!.fingerprint,
      undefined,
      [next!.fingerprint],
      next!.fingerprint,
    ])
    expect(await actions(restarted)).toEqual([])
  })

  it('gives way on its last day, and only then is taken from the guest', async () => {
    await lab.run(one)
    const { next } = state()
    lab.clock.advance(9 * DAY)
    const plan = await lab.planned(one)
    expect(plan.disturbs).toBe(false)
    expect((await watchedRun()).at(-1)).toBe('ended done')
    expect([trusted(), shown()]).toEqual([[next!.fingerprint], next!.fingerprint])
    const { issuer } = live().bundles['dev']!.config!
    expect(new X509Certificate(issuer!.certificate).checkIssued(new X509Certificate(issuer!.root))).toBe(true)
    expect(await actions()).toEqual([])
  })

  it.each(['perform update guest/dev', 'bundle configure dev', 'uplink record'])(
    'is renewed by the next apply where %s failed in the middle of it',
    async (call) => {
      for (const wait of [0, 9 * DAY]) {
        lab.clock.advance(wait)
        lab.faults.add({ call, moment: 'before' })
        for (let runs = 0; runs < 3; runs++) await watchedRun()
        expect(await actions()).toEqual([])
      }
      expect(state().fingerprint).not.toBe(first)
    },
  )

  it('is made anew and restarts the agent where no new one was put beside it in time', async () => {
    lab.clock.advance(9 * DAY)
    expect(await actions()).toEqual(
      expect.arrayContaining(['update ca/dev restart-agent', 'update guest/dev restart-agent']),
    )
    expect(told(await lab.run(one)).at(-1)).toBe('ended done')
    expect([state().fingerprint === first, trusted()]).toEqual([false, [state().fingerprint]])
    expect(await actions()).toEqual([])
  })
})

describe('a clock that was ahead', () => {
  const YEAR = 365 * DAY
  const ahead = async () => {
    lab.clock.advance(YEAR)
    await lab.run(one)
    lab.clock.advance(-YEAR)
  }

  it('leaves a root that is not valid yet, which is made anew and restarts the agent', async () => {
    await ahead()
    const { fingerprint } = state()
    const { actions: planned } = await lab.planned(one)
    expect(planned.find(({ address }) => address === 'ca/dev')).toMatchObject({
      impact: 'restart-agent',
      reason: 'root certificate is not valid yet: it was made while the clock was ahead',
    })
    expect(told(await lab.run(one)).at(-1)).toBe('ended done')
    expect([state().fingerprint === fingerprint, trusted()]).toEqual([false, [state().fingerprint]])
    expect(Date.parse(state().notBefore)).toBeLessThan(lab.clock.now())
    expect([shown(), await actions()]).toEqual([state().fingerprint, []])
  })

  it('shows an issuer of now again, whatever it showed meanwhile', async () => {
    await ahead()
    await lab.run(one)
    const { issuer } = live().bundles['dev']!.config!
    const { validFrom, validTo } = new X509Certificate(issuer!.certificate)
    expect(Date.parse(validFrom)).toBeLessThan(lab.clock.now())
    expect(Date.parse(validTo)).toBeLessThan(lab.clock.now() + 31 * DAY)
  })
})

it('the next root is a file of its owner’s only and goes with its bottle', async () => {
  lab.clock.advance(20 * DAY)
  await lab.run(one)
  expect(lab.roots.nextOf('dev')).toBeDefined()
  await lab.run(desiredOf({}))
  expect(lab.roots.nextOf('dev')).toBeUndefined()
})
