import type { Kind } from '../../model/address.ts'

export const bundleNeeds: readonly Kind[] = ['image', 'uplink', 'ca', 'bottle']
