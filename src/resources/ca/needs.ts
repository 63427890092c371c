import type { Kind } from '../../model/address.ts'

export const caNeeds: readonly Kind[] = []
