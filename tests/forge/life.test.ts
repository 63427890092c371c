/** Declared keys and a real forge, with every answer on the way lost in turn: what the next run leaves. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { downForge, makeRepository, upForge } from '../../scripts/labs/forge.ts'
import type { ForgeLab } from '../../scripts/labs/forge.ts'
import { systemClock } from '../../src/execute/clock.ts'
import { gitea } from '../../src/forges/gitea.ts'
import { openForge } from '../../src/forges/rest/forge.ts'
import { address } from '../../src/model/address.ts'
import { ForgeError } from '../../src/model/forge-error.ts'
import type { WantedKey } from '../../src/model/key-row.ts'
import { Secret } from '../../src/model/secret.ts'
import { openDeployKeys } from '../../src/state/deploy-keys.ts'
import { openHome } from '../../src/state/home.ts'
import { applyKeys, decideFor } from '../conformance/forges/applying.ts'
import type { KeyWorld } from '../conformance/forges/applying.ts'
import { LOSSES, openLosing, patience } from '../conformance/forges/losing.ts'
import type { Losing, Loss } from '../conformance/forges/losing.ts'

const name = `forge-life-${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'bb-forge-life-'))
const signal = new AbortController().signal
let lab: ForgeLab
let losing: Losing
let repositories = 0
beforeAll(async () => {
  lab = await upForge(name)
  losing = await openLosing(Number(new URL(lab.api).port))
})
afterAll(async () => {
  await losing?.close()
  rmSync(folder, { recursive: true, force: true })
  await downForge(name)
})

const wanted = (repository: string, remote: string, readOnly: boolean): WantedKey => ({
  address: address.key('dev', remote),
  provider: 'gitea',
  api: lab.api,
  repository,
  readOnly,
  tokenRef: { from: 'env', name: 'GITEA_TOKEN' },
  allowPrivate: true,
  trust: [],
})

/** A repository and a state folder of their own; `direct` and through what loses answers. */
async function fresh(loss: Loss): Promise<{
  readonly repository: string
  readonly direct: KeyWorld
  readonly lossy: KeyWorld
}> {
  const short = `life-${(repositories += 1)}`
  await makeRepository(lab.api, lab.token, short)
  const home = openHome({ env: {}, stateDir: join(folder, short) })
  const stack = { stack: 'acme', engineId: 'engine' }
  const opened = (api: string, timeoutMs: number) =>
    openForge(gitea, { api, token: new Secret(lab.token), tokenName: 'GITEA_TOKEN', allowPrivate: true, trust: [], timeoutMs }) // prettier-ignore
  const direct: KeyWorld = {
    ...stack,
    installation: home.installation,
    repository: `lab/${short}`,
    keys: openDeployKeys({ home, ...stack }),
    forge: opened(lab.api, 30_000),
    clock: systemClock,
    signal,
  }
  return {
    repository: direct.repository,
    direct,
    lossy: { ...direct, forge: opened(lab.api.replace(/:\d+/, `:${losing.port}`), patience(loss)) },
  }
}

/** In a short run the two that leave most open. */
const TRIED = process.env['BOT_BOTTLE_LONG'] === '1' ? LOSSES : (['lost', 'late'] as const)

describe.each(TRIED)('whichever answer is lost (%s)', (loss) => {
  it('the next run leaves the declared keys and no other, and destroy leaves none', async () => {
    let lost = 0
    const { repository, direct, lossy } = await fresh(loss)
    const before = [wanted(repository, 'origin', true), wanted(repository, 'tools', true)]
    const after = [wanted(repository, 'origin', false), wanted(repository, 'docs', true)]
    for (let step = 0; ; step += 1) {
      await applyKeys(direct, before)
      losing.lose(loss, step)
      const failed = await applyKeys(lossy, after).then(
        () => false,
        (error: unknown) => {
          if (!(error instanceof ForgeError) || !error.transient) throw error
          return true
        },
      )
      await applyKeys(direct, after)
      const left = await decideFor(direct, after)
      expect([step, left.make, left.revoke, left.forget]).toEqual([step, [], [], []])
      const listed = await direct.forge.list(repository, signal)
      expect(listed.map((key) => `${key.title.split(' ')[3]} ${key.readOnly}`).sort()).toEqual([
        'key/dev/docs true',
        'key/dev/origin false',
      ])
      losing.lose(loss, step)
      await applyKeys(lossy, []).catch(() => undefined)
      await applyKeys(direct, [])
      expect([step, await direct.forge.list(repository, signal), direct.keys.rows().rows]).toEqual([
        step,
        [],
        [],
      ])
      if (!failed) break
      lost += 1
    }
    // One list of the decision; list and creation of two keys; list, removal and list of two others.
    expect(lost).toBeGreaterThanOrEqual(11)
    if (loss !== 'late') expect(lost).toBe(11)
  })
})
