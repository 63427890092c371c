import { describe, expect, it } from 'vitest'
import { NAME_EVERY_MS, NAMES_AT_ONCE, NAMES_KEPT, Names } from '../../../sidecars/egress/client/names.ts'
import { Refuse } from '../../../sidecars/egress/exchange/request.ts'
import { route } from './lab.ts'

const wild = route({ host: '*.wild.test' })

function clocked(): { readonly names: Names; pass(ms: number): void } {
  let now = 1_000_000
  return { names: new Names(() => now), pass: (ms) => (now += ms) }
}
const ask = (names: Names, from: number, count: number, of = wild): number => {
  let admitted = 0
  for (let index = from; index < from + count; index++) {
    try {
      names.admit(of, `n${index}.wild.test`)
      admitted += 1
    } catch (error) {
      expect(error).toBeInstanceOf(Refuse)
      expect(error).toMatchObject({ rule: 'name-budget' })
    }
  }
  return admitted
}

describe('New names under a wildcard', () => {
  it('are so many at once, and then one in so much time', () => {
    const { names, pass } = clocked()
    expect(ask(names, 0, NAMES_AT_ONCE + 20)).toBe(NAMES_AT_ONCE)
    pass(3 * NAME_EVERY_MS)
    expect(ask(names, 5000, 10)).toBe(3)
    pass(10_000 * NAME_EVERY_MS)
    expect(ask(names, 6000, 2 * NAMES_AT_ONCE)).toBe(NAMES_AT_ONCE)
  })

  it('are counted once: names in use go on', () => {
    const { names } = clocked()
    ask(names, 0, NAMES_AT_ONCE)
    expect(ask(names, 0, NAMES_AT_ONCE)).toBe(NAMES_AT_ONCE)
  })

  it('are counted for each route by itself, and not for a host that is declared by name', () => {
    const { names } = clocked()
    ask(names, 0, NAMES_AT_ONCE + 1)
    expect(ask(names, 0, 2, route({ host: '*.wild.test', port: 8443 }))).toBe(2)
    expect(ask(names, 9000, 5, route({ host: 'n9000.wild.test' }))).toBe(5)
  })

  it('are remembered in a bounded room: the one in use longest ago is new again', () => {
    const { names, pass } = clocked()
    for (let index = 0; index < NAMES_KEPT + 1; index++) {
      pass(NAME_EVERY_MS)
      expect(ask(names, index, 1)).toBe(1)
    }
    ask(names, 20_000, NAMES_AT_ONCE)
    expect(ask(names, 0, 1)).toBe(0)
    expect(ask(names, NAMES_KEPT, 1)).toBe(1)
  })

  it('are forgotten with their route', () => {
    const { names } = clocked()
    ask(names, 0, NAMES_AT_ONCE + 1)
    names.retain([wild])
    expect(ask(names, 7000, 1)).toBe(0)
    names.retain([])
    expect(ask(names, 7000, 1)).toBe(1)
  })
})
