/** How a provider's program keeps its sign-in on this host. */
import type { HostLogin } from '../../model/provider.ts'
import type { Home } from '../../state/home.ts'
import { providersOf } from '../stack/providers.ts'

export function hostLogin(home: Pick<Home, 'dir'>): (provider: string) => Promise<HostLogin | undefined> {
  return async (name) => {
    const found = await (await providersOf(home)).find(name)
    return found && 'provider' in found ? found.provider.login : undefined
  }
}
