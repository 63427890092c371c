import { afterEach, describe, expect, test } from 'vitest'
import { controls } from '../../../sidecars/gate/controls.ts'
import { nameOf } from './cases/case.ts'
import type { Case } from './cases/case.ts'
import { pushingCases } from './cases/pushing.ts'
import { scanningCases } from './cases/scanning.ts'
import { servingCases } from './cases/serving.ts'
import { noSshd } from './sshd.ts'

const cases: readonly Case[] = [...servingCases, ...pushingCases, ...scanningCases]

if (noSshd !== undefined) process.stdout.write(`cases of the git gate: skipped, ${noSshd}\n`)

describe.skipIf(noSshd !== undefined)('with every protection on', () => {
  // oxlint-disable-next-line vitest/valid-title -- the title is the case's
  for (const one of cases) test(nameOf(one), one.run)
})

describe.skipIf(noSshd !== undefined)('a case fails without the protection it names', () => {
  afterEach(() => controls.restore())
  for (const one of cases) {
    if (one.control === undefined) continue
    test(`${one.control}: ${nameOf(one)}`, async () => {
      controls.off(one.control!)
      await expect(one.run()).rejects.toThrow()
    })
  }
})

test('every protection is named by a case', () => {
  const named = new Set(cases.map(({ control }) => control))
  for (const control of [
    'declared-names', 'hermetic-git', 'declared-refs', 'ref-language', 'ref-facts', 'whole-push', 'lease', 'fsck', 'scan',
    'scan-count', 'no-replace', 'require-identity', 'sizes', 'host-key', 'stalls', 'flag-paths',
  ] as const) expect(named).toContain(control) // oxfmt-ignore
})
