import type { Kind } from '../../model/address.ts'

/** The uplink comes first, so that a bottle without a way out is never the last thing made. */
export const bottleNeeds: readonly Kind[] = ['image', 'uplink', 'ca']
