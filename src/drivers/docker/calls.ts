/** The calls of the engine that this driver makes, as one interface: the real one is `engine.ts`, tests may put another behind it. */
import type { Duplex, Readable } from 'node:stream'
import type { MemoryUse } from '../../ports/driver.ts'
import type { CreateBody } from './body.ts'
import type {
  EngineInfo,
  InspectedContainer,
  InspectedImage,
  InspectedNetwork,
  ListedContainer,
  ListedImage,
  NamedObject,
  read,
} from './decode.ts'

export type EngineLabels = Readonly<Record<string, string>>

export interface ExecSpec {
  readonly argv: readonly string[]
  /** Numeric `uid:gid`. */
  readonly user: string
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly tty: boolean
}

export interface Engine {
  readonly endpoint: string
  info(): Promise<EngineInfo>
  containers(): Promise<readonly ListedContainer[]>
  container(idOrName: string): Promise<InspectedContainer | undefined>
  createContainer(
    name: string,
    body: CreateBody,
  ): Promise<{ readonly id: string; readonly warnings: readonly string[] }>
  startContainer(id: string): Promise<void>
  /** TERM, then KILL after `seconds`; a stopped one is a success. */
  stopContainer(id: string, seconds: number): Promise<void>
  unpauseContainer(id: string): Promise<void>
  /** With its anonymous volumes; an absent one is a success. */
  removeContainer(id: string): Promise<void>
  /** What lies at `path`: for containers that were never started only. */
  linkAt(id: string, path: string): Promise<{ readonly exists: boolean; readonly target: string }>
  /** A folder as tar: for containers that were never started only. */
  archive(id: string, path: string): Promise<Readable>
  /** Its file system without its volumes, as tar: for containers that do not run only. */
  exportContainer(id: string, signal: AbortSignal): Promise<Readable>
  /** Absent for one that does not run. An engine of 20.10 takes up to a second. */
  memory(id: string): Promise<MemoryUse | undefined>
  logs(
    id: string,
    options: {
      readonly follow: boolean
      readonly tail?: number
      readonly since?: string
      readonly signal?: AbortSignal
    },
  ): Promise<Readable>
  createExec(id: string, spec: ExecSpec): Promise<string>
  startExec(execId: string, tty: boolean): Promise<Duplex>
  resizeExec(execId: string, rows: number, columns: number): Promise<void>
  execState(execId: string): Promise<{ readonly running: boolean; readonly exitCode: number }>
  networks(): Promise<readonly InspectedNetwork[]>
  network(name: string): Promise<InspectedNetwork | undefined>
  createNetwork(name: string, labels: EngineLabels, options: EngineLabels): Promise<void>
  removeNetwork(name: string): Promise<void>
  volumes(): Promise<readonly NamedObject[]>
  volume(name: string): Promise<NamedObject | undefined>
  createVolume(name: string, labels: EngineLabels): Promise<void>
  removeVolume(name: string): Promise<void>
  image(reference: string): Promise<InspectedImage | undefined>
  build(context: Readable, options: BuildOptions, progress: (text: string) => void): Promise<void>
  pull(reference: string, progress: (text: string) => void, signal: AbortSignal): Promise<void>
  importImage(rootfs: Readable, options: ImportOptions): Promise<void>
  removeImage(reference: string): Promise<void>
  /** One more name for an image that is there. */
  tagImage(reference: string, tag: string): Promise<void>
  /** Those that have a name, or that none is made from; `reference` is a pattern of names. */
  images(options?: { readonly reference?: string }): Promise<readonly ListedImage[]>
  /** Ids of the images with this label and a name: what a build left half made has the labels of what it began on. */
  imagesLabelled(name: string, value: string): Promise<readonly string[]>
  events(since: number, signal: AbortSignal): AsyncIterable<ReturnType<typeof read.event>>
}

export interface ImportOptions {
  /** Name and tag. */
  readonly reference: string
  /** Instructions of a Dockerfile that say what is known of it. Default: none. */
  readonly changes?: readonly string[]
  /** Of its history. */
  readonly message?: string
  readonly signal?: AbortSignal
}

export interface BuildOptions {
  readonly tag: string
  readonly labels: EngineLabels
  readonly arguments: Readonly<Record<string, string>>
  readonly network: 'default' | 'none'
  readonly signal: AbortSignal
}
