/**
 * What was provisioned in a guest, as the record has it; where somebody looked into the guest itself, that counts.
 * Pure.
 */
import { address, parseAddress } from '../model/address.ts'
import type { Observed } from '../model/resource.ts'
import { NOT_STARTED } from '../resources/guest/spec.ts'
import type { RecordState } from '../model/snapshot.ts'
import type { DriverObservation } from '../ports/driver.ts'

/** `undefined`: nothing was provisioned in this container. */
export function seenGuest(
  bottle: Observed,
  state: RecordState,
  looks: DriverObservation['guests'],
): Observed | undefined {
  if (state.status !== 'present') return undefined
  const parts = parseAddress(bottle.address)?.parts
  const name = parts?.kind === 'bottle' ? parts.bottle : ''
  const guest = state.record.objects[address.guest(name)]
  if (guest?.objectId !== bottle.id || guest.applied === undefined) return undefined
  const { gitFile, ...fields } = guest.applied as Observed['fields']
  const { gitFile: found, notBegun } = looks?.[name] ?? {}
  const edited = gitFile !== undefined && found !== undefined && found !== gitFile
  return {
    address: address.guest(name),
    kind: 'guest',
    driver: bottle.driver,
    id: bottle.id,
    ownership: bottle.ownership,
    fields: {
      ...fields,
      ...(edited && { git: 'changed by hand' }),
      ...(notBegun && { headless: NOT_STARTED }),
    },
    digest: { value: guest.digest, version: guest.digestVersion },
    health: 'ok',
  }
}
