/** Every secret of a stack that can be had is told to the gate of each bottle, and none can be read from what it is told. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { knownSecrets } from '../../../sidecars/gate/known.ts'
import { knownToGate, tokenRefs } from '../../../src/cli/secrets/gate-known.ts'
import { Secret } from '../../../src/model/secret.ts'
import { openHome } from '../../../src/state/home.ts'
import { withSecret } from '../execute/with-secret.ts'
import { desiredOf } from '../reconcile/stacks.ts'

const VALUES = {
  'env:ROUTE_TOKEN': 'route-token-51Zk0aQ77Hd82mZx4193kQ',
  'env:FORGE_TOKEN': 'forge-token-Qx7Zk9mN2vB5cR8tL1w',
}
const marks = {
  placeholders: { 'env:ROUTE_TOKEN': 'bot_bottle_placeholder_0f3a9c51d27e' },
  canary: 'Wd3Jf8sH1yGeT6pA',
}
const stack = desiredOf({
  dev: { routes: {}, remotes: { origin: { repository: 'acme/app', allow: [] } } },
  review: { routes: { 'a.example': [] } },
})
const desired = withSecret(stack, 'ROUTE_TOKEN')

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bb-known-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const told = (bottle: string, values: Readonly<Record<string, string>> = VALUES) =>
  knownToGate(bottle, {
    desired,
    home: openHome({ env: {}, stateDir: join(folder, 'home') }),
    found: new Map(Object.entries(values).map(([id, value]) => [id, new Secret(value)])),
    marksOf: () => marks,
  })
const rulesOf = (bottle: string, text: string) =>
  knownSecrets(told(bottle))
    .searchWhole(Buffer.from(`x ${text} y`))
    .map(({ rule }) => rule)

it('values of routes and tokens of forges, its own by name', () => {
  expect(rulesOf('dev', VALUES['env:FORGE_TOKEN'])).toEqual(['secret/env:FORGE_TOKEN'])
  expect(rulesOf('dev', VALUES['env:ROUTE_TOKEN'])).toEqual(['secret/of-another-bottle'])
  expect(rulesOf('review', VALUES['env:ROUTE_TOKEN'])).toEqual(['secret/env:ROUTE_TOKEN'])
  expect(tokenRefs(desired.resources)).toEqual({ 'env:FORGE_TOKEN': { from: 'env', name: 'FORGE_TOKEN' } })
})

it('placeholders and canary of its agent', () => {
  expect(rulesOf('dev', marks.canary)).toEqual(['canary'])
  expect(rulesOf('dev', marks.placeholders['env:ROUTE_TOKEN'])).toEqual(['placeholder/env:ROUTE_TOKEN'])
})

it('(CRD-11) a value that cannot be had is not taken for gone, and no value is in what is told', () => {
  expect(told('dev', {}).values).toEqual({ 'env:FORGE_TOKEN': null, 'env:ROUTE_TOKEN': null })
  for (const value of Object.values(VALUES)) expect(JSON.stringify(told('dev'))).not.toContain(value)
})
