/** What the git gate is told to recognise in pushes goes with every configuration of it. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { KnownPrints } from '../../../src/model/gate.ts'
import { desiredOf } from '../reconcile/stacks.ts'
import { laboratory, told } from './laboratory.ts'
import type { Laboratory } from './laboratory.ts'

const print = { length: 24, glimpse: 7, tail: 9, digest: 'ab'.repeat(16) }
const KEY = 'cd'.repeat(32)
const remotes = (...allow: readonly string[]) =>
  desiredOf({ dev: { routes: {}, remotes: { origin: { repository: 'acme/app', allow } } } })

let values: NonNullable<KnownPrints['values']>
let lab: Laboratory
beforeEach(async () => {
  values = { 'env:ONE': [print], 'env:TWO': [print] }
  lab = await laboratory({ known: (bottle) => ({ key: KEY, prints: [], values, named: [bottle] }) })
})
afterEach(() => lab.close())

const gate = () => lab.world.read().stacks['acme']?.bundles['dev']?.gate?.known

it('is handed over with the first remote', async () => {
  expect(told(await lab.run(remotes())).at(-1)).toBe('ended done')
  expect(gate()).toEqual({ key: KEY, prints: [], values, named: ['dev'] })
})

it('is handed over anew with a change, and what could not be had is kept as it was', async () => {
  await lab.run(remotes())
  const another = { ...print, length: 30 }
  values = { 'env:ONE': [another], 'env:TWO': null }
  await lab.run(remotes('refs/heads/agent/*'))
  expect(gate()?.values).toEqual({ 'env:ONE': [another], 'env:TWO': [print] })
})

it('is nothing where no remote is declared: there is no gate', async () => {
  await lab.run(desiredOf({ dev: { routes: { 'a.example': [] } } }))
  expect(gate()).toBeUndefined()
})
