import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { containerCases } from './cases/container.ts'
import { networkCases } from './cases/network.ts'
import type { Case } from './cases/case.ts'
import { MUTATIONS, type Control } from './controls.ts'
import { recordOriginals, type Originals } from './replica.ts'

const cases: readonly Case[] = [...networkCases, ...containerCases]
const title = ({ ids, title: text }: Case) => `${ids.join(', ')}: ${text}`
let originals: Originals
beforeAll(async () => {
  originals = await recordOriginals()
})
afterAll(async () => {
  await originals?.close()
})

it('a faithful copy of a bottle withstands every case', async () => {
  await originals.without(undefined, async (bottle) => {
    for (const one of cases)
      await one.run(bottle).catch((error: unknown) => {
        throw new Error(title(one), { cause: error })
      })
  })
})

describe('without a control the cases that name it turn red [ALL-03]', () => {
  it.each(Object.keys(MUTATIONS) as Control[])('%s', async (control) => {
    const naming = cases.filter(({ controls }) => controls.includes(control))
    expect(naming.length, 'a control is named by a case').toBeGreaterThan(0)
    await originals.without(control, async (bottle) => {
      const green: string[] = []
      for (const one of naming)
        await one.run(bottle).then(
          () => green.push(title(one)),
          () => {},
        )
      expect(green).toEqual([])
    })
  })
})
