/**
 * Egress is started from a snapshot of its heap: its modules were read and run, and the tables of its scanner made, when
 * the image was built. What differs between bundles, random bytes first of all, is made when it runs.
 */
import { startupSnapshot } from 'node:v8'
import { prepareShapes } from './exchange/scanning.ts'

/** Begins now, or in each process that is started from the snapshot that is being made. */
export function begin(program: () => void): void {
  if (!startupSnapshot.isBuildingSnapshot()) return program()
  prepareShapes()
  startupSnapshot.setDeserializeMainFunction(program)
}
