import type { Kind } from '../../model/address.ts'

/** Nothing is made at a forge before there is a gate that could use it. */
export const keyNeeds: readonly Kind[] = ['bundle']
