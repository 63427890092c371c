import type { Kind } from '../../model/address.ts'

export const remoteNeeds: readonly Kind[] = ['bundle', 'key']
