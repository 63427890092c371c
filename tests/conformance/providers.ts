/** What every provider keeps to, built in or not: `bot-bottle plugins check` looks for the same. */
import { describe, expect, it } from 'vitest'
import { found } from '../../src/plugins/conformance/check.ts'
import { PROVIDER_CHECKS, type ProviderSubject } from '../../src/plugins/conformance/provider.ts'

export function providerConformance(subject: ProviderSubject): void {
  describe(`the provider ${subject.provider.name}`, () => {
    it.each(PROVIDER_CHECKS.map((check) => [check.says, check] as const))('%s', (_says, check) => {
      expect(found(check, subject)).toEqual([])
    })
  })
}
