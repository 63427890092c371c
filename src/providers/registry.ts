/** The providers of this release, by the name that a manifest gives them; each is loaded when it is asked for. */
import type { Provider } from '../model/provider.ts'

const BUILT_IN: ReadonlyMap<string, () => Promise<Provider>> = new Map([
  ['claude', async () => (await import('./claude/index.ts')).claude],
  ['codex', async () => (await import('./codex/index.ts')).codex],
  ['pi', async () => (await import('./pi/index.ts')).pi],
])

export interface BuiltInProviders {
  readonly names: readonly string[]
  find(name: string): Promise<Provider | undefined>
}

export const BUILT_IN_PROVIDERS: BuiltInProviders = {
  names: [...BUILT_IN.keys()],
  find: async (name) => BUILT_IN.get(name)?.(),
}
