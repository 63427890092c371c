import { describe, expect, it } from 'vitest'
import { BUILT_IN_PROVIDERS } from '../../../src/providers/registry.ts'
import { providerConformance } from '../../conformance/providers.ts'

const SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  claude: { model: 'opus' },
  codex: { model: 'gpt-6', reasoning: 'high' },
  pi: {
    provider: 'acme',
    base_url: 'https://llm.acme.example/v1',
    model: 'large',
    api: 'openai-completions',
  },
}

describe('the built-in providers', () => {
  it('are these', () => {
    expect(BUILT_IN_PROVIDERS.names).toEqual(Object.keys(SETTINGS))
  })
})

for (const [name, settings] of Object.entries(SETTINGS)) {
  const provider = await BUILT_IN_PROVIDERS.find(name)
  if (!provider) throw new Error(`there is no provider ${name}`)
  providerConformance({ provider, settings, dockerfile: false })
}
