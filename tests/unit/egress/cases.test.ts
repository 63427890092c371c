import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { controls } from '../../../sidecars/policy/controls.ts'
import { authorityCases } from './cases/authority.ts'
import { nameOf } from './cases/case.ts'
import type { Case } from './cases/case.ts'
import { credentialCases } from './cases/credentials.ts'
import { dlpCases } from './cases/dlp.ts'
import { nameCases } from './cases/names.ts'
import { framingCases } from './cases/framing.ts'
import { lifeCases } from './cases/life.ts'
import { h2Cases } from './cases/h2.ts'
import { markCases } from './cases/marks.ts'
import { inboundCases } from './cases/inbound.ts'
import { signingCases } from './cases/signing.ts'
import { webSocketCases } from './cases/websocket.ts'
import { patience } from './lab.ts'

const cases: readonly Case[] = [
  ...authorityCases,
  ...framingCases,
  ...credentialCases,
  ...dlpCases,
  ...nameCases,
  ...markCases,
  ...inboundCases,
  ...lifeCases,
  ...signingCases,
  ...webSocketCases,
  ...h2Cases,
]

describe('with every protection on', () => {
  // oxlint-disable-next-line vitest/valid-title -- the title is the case's
  for (const one of cases) test(nameOf(one), one.run)
})

describe('a case fails without the protection it names', () => {
  let restore: (() => void) | undefined
  const usual = patience.ms
  beforeAll(() => void (patience.ms = 400))
  afterAll(() => void (patience.ms = usual))
  afterEach(() => restore?.())
  for (const one of cases) {
    if (one.control === undefined) continue
    test(`${one.control}: ${nameOf(one)}`, async () => {
      restore = controls.off(one.control!)
      await expect(one.run()).rejects.toThrow()
    })
  }
})

test('every protection is named by a case', () => {
  const named = new Set(cases.map(({ control }) => control))
  for (const control of [
    'authority-equality', 'ip-literals', 'local-names', 'strict-framing', 'credential-strip', 'credential-binding', 'response-scrub', 'outbound-scan', 'placeholder-slot', 'canary', 'inbound-scan', 'upstream-verify', 'path-canonical',
    'default-deny', 'hello-before-dial', 'generations', 'response-framing', 'upgrade-refused', 'websocket-accept', 'websocket-frames', 'git-by-https',
  ] as const) expect(named).toContain(control) // prettier-ignore
})
