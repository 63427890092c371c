import type { Kind } from '../../model/address.ts'

export const uplinkNeeds: readonly Kind[] = ['image']
