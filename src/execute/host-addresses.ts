/** Addresses of this machine, which an uplink on it must never dial (topology-attack U8). */
import { networkInterfaces } from 'node:os'

/** Empty for an engine on another machine: our addresses say nothing about its host. */
export function hostAddresses(endpoint: string): readonly string[] {
  const isLocal = endpoint.startsWith('unix://') || endpoint.startsWith('/') || endpoint === 'local'
  if (!isLocal) return []
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return [...new Set(found.map(({ address }) => address.replace(/%.*$/, '')))].sort()
}
