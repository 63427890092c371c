import type { Kind } from '../../model/address.ts'

export const imageNeeds: readonly Kind[] = []
