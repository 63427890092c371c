/** Everything the command line takes from outside: streams, environment, signals, clock, drivers. Tests bring their own. */
import type { Readable } from 'node:stream'
import type { DriverName } from '../model/resource.ts'
import type { Driver } from '../ports/driver.ts'
import type { OutStream } from '../render/output.ts'

export type InStream = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }

export type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGWINCH'

export type Environment = Readonly<Record<string, string | undefined>>

export interface DriverRequest {
  readonly env: Environment
  /** Whose objects are ours. */
  readonly installation: string
}

export interface Io {
  readonly stdin: InStream
  readonly stdout: OutStream
  readonly stderr: OutStream
  readonly env: Environment
  readonly cwd: string
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `heard` for each signal until the returned function is called. */
  onSignal(signal: SignalName, heard: () => void): () => void
  /** Makes the driver of that name; absent: the one of src/drivers. */
  readonly drivers?: Readonly<Partial<Record<DriverName, (request: DriverRequest) => Promise<Driver>>>>
}
