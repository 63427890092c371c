/** What was provisioned in a guest, with the part of the manifest that says who commits. Pure. */
import { address } from '../../model/address.ts'
import type { Observed } from '../../model/resource.ts'
import { explain } from '../../manifest/explain.ts'
import type { LoadedManifest } from '../../manifest/load.ts'
import type { GuestStatus, IdentityField } from '../../render/guest.ts'
import type { GuestSpec } from '../../resources/guest/spec.ts'

/** `loaded`: absent where no manifest was read, or it does not declare this bottle. */
export function guestStatus(
  name: string,
  guest: Pick<Observed, 'fields'>,
  loaded: LoadedManifest | undefined,
): GuestStatus {
  const { env = {}, git, skills = {}, mcp = {} } = guest.fields as Partial<GuestSpec>
  const said = loaded ? explain(loaded, address.guest(name)).fields : []
  const identity = (part: 'name' | 'email'): IdentityField | undefined => {
    const value = git?.user?.[part]
    if (value === undefined) return undefined
    const field = said.find(({ path, value: written }) => path === `git.user.${part}` && written === value)
    return { value, ...(field && { from: isOfAgent(name, field.via, loaded) ? 'agent' : 'bottle' }) }
  }
  const [committer, email] = [identity('name'), identity('email')]
  return {
    ...(committer && { name: committer }),
    ...(email && { email }),
    environment: Object.entries(env)
      .filter(([, { from }]) => from !== 'program')
      .map(([variable]) => variable)
      .sort(),
    skills: Object.keys(skills).sort(),
    mcp: Object.keys(mcp).sort(),
  }
}

/** What an agent says itself came through nothing; a bottle that no agent names is its own. */
function isOfAgent(name: string, via: readonly string[], loaded: LoadedManifest | undefined): boolean {
  return via.length === 0 && loaded?.resolved.definitions.has(name) !== true
}
