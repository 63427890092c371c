/** Plan and apply over a real forge, with every answer on the way lost in turn: what the next run leaves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { downForge, makeRepository, upForge } from '../../scripts/labs/forge.ts'
import type { ForgeLab } from '../../scripts/labs/forge.ts'
import { gitea } from '../../src/forges/gitea.ts'
import { openForge } from '../../src/forges/rest/forge.ts'
import { parseKeyTitle } from '../../src/model/deploy-key.ts'
import { RefusedError } from '../../src/model/errors.ts'
import { Secret } from '../../src/model/secret.ts'
import type { Forge } from '../../src/ports/forge.ts'
import { LOSSES, openLosing, patience } from '../conformance/forges/losing.ts'
import type { Losing } from '../conformance/forges/losing.ts'
import { laboratory } from '../unit/execute/laboratory.ts'
import type { Laboratory } from '../unit/execute/laboratory.ts'
import { desiredOf } from '../unit/reconcile/stacks.ts'

const name = `forge-life-${process.pid}`
const signal = new AbortController().signal
let forgeLab: ForgeLab
let losing: Losing
beforeAll(async () => {
  forgeLab = await upForge(name)
  losing = await openLosing(Number(new URL(forgeLab.api).port))
})
afterAll(async () => {
  await losing?.close()
  await downForge(name)
})

const opened = (api: string, timeoutMs: number): Forge =>
  openForge(gitea, { api, token: new Secret(forgeLab.token), tokenName: 'GITEA_TOKEN', allowPrivate: true, trust: [], timeoutMs }) // prettier-ignore

/** In a short run the two that leave most open. */
const TRIED = process.env['BOT_BOTTLE_LONG'] === '1' ? LOSSES : (['lost', 'late'] as const)

/** Where nothing but what is unknown is left to do there is no run. */
function onlyRefused(error: unknown): void {
  if (!(error instanceof RefusedError)) throw error
}

describe.each(TRIED)('whichever answer is lost (%s)', (loss) => {
  it('the next run leaves the declared keys and no other, and destroy leaves none', async () => {
    await makeRepository(forgeLab.api, forgeLab.token, `life-${loss}`)
    const repository = `lab/life-${loss}`
    const [fetching, pushing] = [
      { repository, allow: [] },
      { repository, allow: ['refs/heads/agent/*'] },
    ]
    const before = desiredOf({ dev: { routes: {}, remotes: { origin: fetching, tools: fetching } } })
    const after = desiredOf({ dev: { routes: {}, remotes: { origin: pushing, docs: fetching } } })
    const none = desiredOf({})
    const direct = opened(forgeLab.api, 30_000)
    const lossy = opened(forgeLab.api.replace(/:\d+/, `:${losing.port}`), patience(loss))
    let forge = direct
    const lab: Laboratory = await laboratory({ forge: () => forge })
    const losingOne = async (desired: typeof none, step: number): Promise<boolean> => {
      losing.lose(loss, step)
      forge = lossy
      await lab.run(desired).catch(onlyRefused)
      forge = direct
      return losing.seen > step
    }
    const listed = async () =>
      (await direct.list(repository, signal))
        .map((key) => `${parseKeyTitle(key.title)?.address} ${key.readOnly}`)
        .sort()

    let lost = 0
    for (let step = 0; ; step += 1) {
      await lab.run(before)
      const wasLost = await losingOne(after, step)
      await lab.run(after)
      expect([step, (await lab.planned(after)).actions]).toEqual([step, []])
      expect([step, await listed()]).toEqual([step, ['key/dev/docs true', 'key/dev/origin false']])
      await losingOne(none, step)
      await lab.run(none)
      expect([step, await listed(), lab.keys.rows().rows]).toEqual([step, [], []])
      if (!wasLost) break
      lost += 1
    }
    // One list of the plan; list and creation of two keys; two lists, removal and list of two others.
    expect(lost).toBeGreaterThanOrEqual(13)
    lab.close()
  })
})
