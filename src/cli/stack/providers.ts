/** The providers that come with the program, and those of the user's plug-ins. */
import type { Providers } from '../../model/providers.ts'
import type { Home } from '../../state/home.ts'

/** Loaded only here: most manifests need none of it. */
export async function providersOf(home: Pick<Home, 'dir'>): Promise<Providers> {
  const [{ BUILT_IN_PROVIDERS }, { findPlugins }, { providersWith }] = await Promise.all([
    import('../../providers/registry.ts'),
    import('../../plugins/find.ts'),
    import('../../plugins/providers.ts'),
  ])
  return providersWith(BUILT_IN_PROVIDERS, findPlugins(home.dir))
}
