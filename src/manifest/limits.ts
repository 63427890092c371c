/** What a bottle may use of its machine, in the units of the engine. */
import type { BottleSpec } from '../resources/bottle/spec.ts'
import type { Resources } from './manifest.generated.ts'
import { bytesOf } from './quantities.ts'

/** Processes and threads of a bottle that says nothing else. */
export const PIDS_DEFAULT = 512

export function limits(resources: Resources | undefined): BottleSpec['resources'] {
  const memory = resources?.memory === undefined ? undefined : bytesOf(resources.memory)
  const disk = resources?.disk === undefined ? undefined : bytesOf(resources.disk)
  return {
    ...(resources?.cpus !== undefined && { cpus: resources.cpus }),
    ...(memory !== undefined && { memoryBytes: memory }),
    pids: resources?.pids ?? PIDS_DEFAULT,
    ...(disk !== undefined && { diskBytes: disk }),
  }
}
