import { describe, expect, it } from 'vitest'
import { remembering } from '../../../sidecars/uplink/remembered.ts'
import type { Resolved } from '../../../sidecars/uplink/resolver.ts'
import { NO_POLICY } from './cases.ts'

function asking(answers: Readonly<Record<string, Omit<Resolved, 'fixed'>>>) {
  const asked: string[] = []
  let now = 0
  const { resolve, forget } = remembering(
    async (name, { dns }) => {
      asked.push([name, ...dns].join(' '))
      const answer = answers[name]
      if (answer === undefined) throw new Error('no resolver')
      return { ...answer, fixed: false }
    },
    () => now,
  )
  return { asked, resolve, forget, pass: (ms: number): void => void (now += ms) }
}
const at = (ttlSeconds: number) => ({ addresses: ['8.8.8.8'], ttlSeconds })

describe('an answer is kept', () => {
  it.each([
    ['as long as it says', 30, 30_000],
    ['for a second where it says less', 0, 1000],
    ['for a minute where it says more', 86_400, 60_000],
  ])('%s', async (_, ttl, ms) => {
    const { asked, resolve, pass } = asking({ 'a.test': at(ttl) })
    await resolve('a.test', NO_POLICY)
    pass(ms - 1)
    await resolve('a.test', NO_POLICY)
    expect(asked).toHaveLength(1)
    pass(1)
    await resolve('a.test', NO_POLICY)
    expect(asked).toHaveLength(2)
  })

  it('for all who ask while it is on its way', async () => {
    const { asked, resolve } = asking({ 'a.test': at(0) })
    await Promise.all(Array.from({ length: 20 }, () => resolve('a.test', NO_POLICY)))
    expect(asked).toEqual(['a.test'])
  })

  it('until it has led nowhere', async () => {
    const { asked, resolve, forget } = asking({ 'a.test': at(60) })
    await resolve('a.test', NO_POLICY)
    forget('a.test', NO_POLICY)
    await resolve('a.test', NO_POLICY)
    expect(asked).toHaveLength(2)
  })
})

describe('nothing is kept', () => {
  it('of a name without an address, or of a resolver that does not answer', async () => {
    const { asked, resolve } = asking({ 'empty.test': { addresses: [], ttlSeconds: 60 } })
    for (const _ of [1, 2]) expect((await resolve('empty.test', NO_POLICY)).addresses).toEqual([])
    for (const _ of [1, 2]) await expect(resolve('gone.test', NO_POLICY)).rejects.toThrow()
    expect(asked).toEqual(['empty.test', 'empty.test', 'gone.test', 'gone.test'])
  })

  it('of what other resolvers said, or the operator fixed', async () => {
    const { asked, resolve } = asking({ 'a.test': at(60) })
    await resolve('a.test', NO_POLICY)
    await resolve('a.test', { ...NO_POLICY, dns: ['10.0.0.53'] })
    await resolve('a.test', { ...NO_POLICY, hosts: { 'a.test': '10.0.0.1' } })
    expect(asked).toEqual(['a.test', 'a.test 10.0.0.53', 'a.test'])
  })

  it('beyond a bounded number of names', async () => {
    const names = Array.from({ length: 2001 }, (_, index) => `h${index}.test`)
    const { asked, resolve } = asking(Object.fromEntries(names.map((name) => [name, at(60)])))
    for (const name of names) await resolve(name, NO_POLICY)
    await resolve('h2000.test', NO_POLICY)
    expect(asked).toHaveLength(2001)
    await resolve('h0.test', NO_POLICY)
    expect(asked).toHaveLength(2002)
  })
})
