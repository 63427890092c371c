/** How a provider's program keeps its sign-in on this host. */
import type { HostLogin } from '../../model/provider.ts'

export async function hostLogin(provider: string): Promise<HostLogin | undefined> {
  const { BUILT_IN_PROVIDERS } = await import('../../providers/registry.ts')
  return (await BUILT_IN_PROVIDERS.find(provider))?.login
}
