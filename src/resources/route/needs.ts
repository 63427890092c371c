import type { Kind } from '../../model/address.ts'

export const routeNeeds: readonly Kind[] = ['bundle']
