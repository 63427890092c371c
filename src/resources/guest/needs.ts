import type { Kind } from '../../model/address.ts'

/** Last of a bottle: probe and provisioning see everything that the agent program will see. */
export const guestNeeds: readonly Kind[] = ['ca', 'bottle', 'bundle', 'route', 'remote']
