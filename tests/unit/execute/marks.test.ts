/** Placeholders and canary: egress knows what the agent is about to be given, and a bundle that forgot is told again. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { knownMarks } from '../../../src/model/known.ts'
import type { Marks } from '../../../src/model/known.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'

const canary = '8Z5Rr2z5KTcLsGrbiF1zk1EDhlJiDKP4'
const placeholders = { 'env:NPM_TOKEN': 'bot_bottle_placeholder_0f3a9c51d27e4b86a1c05d9e7f2b3c48' }

let lab: Laboratory
beforeEach(async () => void (lab = await laboratory()))
afterEach(() => lab.close())

/** One bottle whose agent gets these, as `src/manifest` declares them. */
function withMarks(marks: Marks): Desired {
  lab.marks['dev'] = marks
  const desired = desiredOf({ dev: { routes: { 'a.example': [] } } })
  const env = Object.fromEntries(
    Object.keys(marks.placeholders ?? {}).map((id) => [id, { from: 'placeholder', digest: id }]),
  )
  return {
    ...desired,
    resources: desired.resources.map((resource) => {
      if (resource.kind === 'bundle')
        return { ...resource, spec: { ...(resource.spec as object), knows: knownMarks(marks) } }
      return resource.kind === 'guest'
        ? { ...resource, spec: { ...(resource.spec as object), env } }
        : resource
    }),
  }
}

const held = () => lab.world.read().stacks['acme']!.bundles['dev']!.config!

it('are handed to egress with the first configuration, and then there is nothing to do', async () => {
  const desired = withMarks({ placeholders, canary })
  await lab.run(desired)
  expect(held()).toMatchObject({ placeholders, canary })
  expect((await lab.planned(desired)).actions).toEqual([])
})

it('reach egress before the agent is given them', async () => {
  await lab.run(withMarks({ canary }))
  lab.calls.length = 0
  const desired = withMarks({ placeholders, canary })
  expect(told(await lab.run(desired))).toEqual(['bundle/dev done', 'guest/dev done', 'ended done'])
  const acting = lab.calls.filter((call) => /configure dev|perform \w+ guest/.test(call))
  expect(acting).toEqual(['bundle configure dev', 'perform update guest/dev'])
  expect(held().placeholders).toEqual(placeholders)
  expect((await lab.planned(desired)).actions).toEqual([])
})

it('that are kinds of tokens are handed again when they change, and the agent is left alone', async () => {
  const kind = { id: 'api-token', anchors: ['acme_live_'], pattern: 'acme_live_[0-9A-Za-z]{30}' }
  await lab.run(withMarks({ canary, detectors: { acme: [kind] } }))
  expect(held().detectors).toEqual({ acme: [kind] })
  const edited = withMarks({
    canary,
    detectors: { acme: [{ ...kind, pattern: 'acme_live_[0-9A-Za-z]{40}' }] },
  })
  const { actions } = await lab.planned(edited)
  expect(actions.map(({ address, impact }) => [address, impact])).toEqual([['bundle/dev', 'live']])
  expect(actions[0]?.differences.map(({ path }) => path)).toEqual(['knows.detector/acme'])
  await lab.run(edited)
  expect(held().detectors).toMatchObject({ acme: [{ pattern: 'acme_live_[0-9A-Za-z]{40}' }] })
  expect((await lab.planned(edited)).actions).toEqual([])
})

it('that egress was made to forget are drift and are handed again, the agent left alone', async () => {
  const desired = withMarks({ placeholders, canary })
  await lab.run(desired)
  lab.world.change((state) => {
    const bundle = state.stacks['acme']!.bundles['dev']!
    const { canary: _, ...config } = bundle.config!
    bundle.config = config
  })
  const { actions } = await lab.planned(desired)
  expect(actions.map(({ address, cause, impact }) => [address, cause, impact])).toEqual([
    ['bundle/dev', 'drift', 'live'],
  ])
  await lab.run(desired)
  expect(held().canary).toBe(canary)
})
