/**
 * Engine answers, decoded: the one parse point of this driver. Behind it types are true. A shape that is not known is a
 * `DriverError` naming object, operation and field, never a guess.
 */
import type { Json } from '../../model/json.ts'
import { DriverError } from '../../model/errors.ts'
import type { MemoryUse } from '../../ports/driver.ts'

type Fields = Readonly<Record<string, unknown>>
export type JsonObject = Readonly<Record<string, Json>>

export interface EngineInfo {
  readonly id: string
  readonly version: string
  readonly os: string
  readonly architecture: string
  readonly cgroupVersion: string
  readonly driver: string
  readonly backingFilesystem: string
  readonly securityOptions: readonly string[]
  readonly warnings: readonly string[]
}

export interface ListedContainer {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly imageId: string
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
  readonly networkMode: string
}

export interface InspectedContainer {
  readonly id: string
  readonly name: string
  readonly imageId: string
  readonly createdAt: string
  readonly state: {
    readonly status: string
    readonly running: boolean
    readonly paused: boolean
    readonly startedAt: string
    readonly exitCode: number
    readonly oomKilled: boolean
    readonly error: string
  }
  readonly labels: Readonly<Record<string, string>>
  /** Names of attached networks; exactly `none` on a holder, nothing on a joiner. */
  readonly networks: readonly string[]
  readonly mounts: readonly {
    readonly type: string
    readonly source: string
    readonly target: string
    readonly readOnly: boolean
    readonly anonymous: boolean
  }[]
  readonly execs: number
  /** `Config` and `HostConfig` as the engine says them, for comparison with what was sent. */
  readonly config: JsonObject
  readonly hostConfig: JsonObject
}

export interface InspectedImage {
  readonly id: string
  readonly tags: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly env: readonly string[]
  readonly volumes: readonly string[]
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly workdir: string
  readonly createdAt: string
  readonly architecture: string
  /** With everything it stands on, bytes. */
  readonly size: number
  /** Digests of its layers, lowest first. */
  readonly layers: readonly string[]
}

export interface ListedImage {
  readonly id: string
  /** Names with tags; none: it is dangling. */
  readonly tags: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly size: number
  /** ISO 8601. */
  readonly createdAt: string
}

export interface NamedObject {
  readonly id: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: string
}

export interface InspectedNetwork extends NamedObject {
  readonly driver: string
  readonly options: Readonly<Record<string, string>>
  readonly attached: readonly string[]
  readonly gateways: readonly string[]
}

/** Reads one answer; `at` is said in the error. */
export function decode<T>(
  operation: string,
  object: string,
  read: (reader: Reader) => T,
  answer: unknown,
): T {
  try {
    return read(new Reader(answer, ''))
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause
    throw new DriverError(
      `the engine's answer to "${operation} ${object}" has an unknown shape: ${cause.message}`,
      {
        code: 'engine-answer',
        hint: 'run `bot-bottle doctor`; this engine may be newer than this program knows',
        cause,
      },
    )
  }
}

class ShapeError extends Error {}

export class Reader {
  readonly #value: unknown
  readonly #path: string

  constructor(value: unknown, path: string) {
    this.#value = value
    this.#path = path
  }

  field(name: string): Reader {
    const fields = this.#object()
    return new Reader(fields[name], this.#path === '' ? name : `${this.#path}.${name}`)
  }
  text(fallback?: string): string {
    if (typeof this.#value === 'string') return this.#value
    return this.#absent(fallback, 'a text')
  }
  number(fallback?: number): number {
    if (typeof this.#value === 'number') return this.#value
    return this.#absent(fallback, 'a number')
  }
  flag(fallback?: boolean): boolean {
    if (typeof this.#value === 'boolean') return this.#value
    return this.#absent(fallback, 'true or false')
  }
  /** `null` and absent are an empty list: engines differ. */
  list<T>(read: (item: Reader) => T): readonly T[] {
    if (this.#value === undefined || this.#value === null) return []
    if (!Array.isArray(this.#value)) throw this.#shape('a list')
    return this.#value.map((item, index) => read(new Reader(item, `${this.#path}[${index}]`)))
  }
  map<T>(read: (item: Reader) => T): Readonly<Record<string, T>> {
    if (this.#value === undefined || this.#value === null) return {}
    return Object.fromEntries(
      Object.entries(this.#object()).map(([key, item]) => [
        key,
        read(new Reader(item, `${this.#path}.${key}`)),
      ]),
    )
  }
  json(): JsonObject {
    return this.#object() as JsonObject
  }

  #object(): Fields {
    if (typeof this.#value !== 'object' || this.#value === null || Array.isArray(this.#value))
      throw this.#shape('an object')
    return this.#value as Fields
  }
  #absent<T>(fallback: T | undefined, wanted: string): T {
    if ((this.#value === undefined || this.#value === null) && fallback !== undefined) return fallback
    throw this.#shape(wanted)
  }
  #shape(wanted: string): ShapeError {
    return new ShapeError(`${this.#path || 'the whole'} is not ${wanted}`)
  }
}

const texts = (reader: Reader) => reader.list((item) => item.text())
const labels = (reader: Reader) => reader.map((item) => item.text(''))
const bare = (name: string) => name.replace(/^\//, '')

export const read = {
  info: (answer: Reader): EngineInfo => ({
    id: answer.field('ID').text(),
    version: answer.field('ServerVersion').text(''),
    os: answer.field('OperatingSystem').text(''),
    architecture: answer.field('Architecture').text(''),
    cgroupVersion: answer.field('CgroupVersion').text('1'),
    driver: answer.field('Driver').text(''),
    backingFilesystem:
      Object.fromEntries(
        answer
          .field('DriverStatus')
          .list((pair) => texts(pair))
          .map(([key, value]) => [key, value]),
      )['Backing Filesystem'] ?? '',
    securityOptions: texts(answer.field('SecurityOptions')),
    warnings: texts(answer.field('Warnings')),
  }),
  containers: (answer: Reader): readonly ListedContainer[] =>
    answer.list((item) => ({
      id: item.field('Id').text(),
      name: bare(texts(item.field('Names'))[0] ?? ''),
      image: item.field('Image').text(''),
      imageId: item.field('ImageID').text(''),
      state: item.field('State').text(''),
      labels: labels(item.field('Labels')),
      networkMode: item.field('HostConfig').field('NetworkMode').text(''),
    })),
  container: (answer: Reader): InspectedContainer => {
    const state = answer.field('State')
    return {
      id: answer.field('Id').text(),
      name: bare(answer.field('Name').text()),
      imageId: answer.field('Image').text(),
      createdAt: answer.field('Created').text(''),
      state: {
        status: state.field('Status').text(),
        running: state.field('Running').flag(),
        paused: state.field('Paused').flag(false),
        startedAt: state.field('StartedAt').text(''),
        exitCode: state.field('ExitCode').number(0),
        oomKilled: state.field('OOMKilled').flag(false),
        error: state.field('Error').text(''),
      },
      labels: labels(answer.field('Config').field('Labels')),
      networks: Object.keys(
        answer
          .field('NetworkSettings')
          .field('Networks')
          .map((item) => item),
      ),
      mounts: answer.field('Mounts').list((item) => ({
        type: item.field('Type').text(''),
        source: item.field('Name').text('') || item.field('Source').text(''),
        target: item.field('Destination').text(''),
        readOnly: !item.field('RW').flag(true),
        anonymous: /^[0-9a-f]{64}$/.test(item.field('Name').text('')),
      })),
      execs: answer.field('ExecIDs').list((item) => item.text()).length,
      config: answer.field('Config').json(),
      hostConfig: answer.field('HostConfig').json(),
    }
  },
  memory: (answer: Reader): MemoryUse | undefined => {
    const memory = answer.field('memory_stats')
    const stats = memory.field('stats').map((item) => item)
    // The first name is that of the first version of cgroups, where the second says less.
    const idle = stats['total_inactive_file'] ?? stats['inactive_file']
    const used = memory.field('usage').number(0)
    return used === 0
      ? undefined
      : { usedBytes: used - (idle?.number(0) ?? 0), limitBytes: memory.field('limit').number(0) }
  },
  image: (answer: Reader): InspectedImage => {
    const config = answer.field('Config')
    return {
      id: answer.field('Id').text(),
      tags: texts(answer.field('RepoTags')),
      labels: labels(config.field('Labels')),
      env: texts(config.field('Env')),
      volumes: Object.keys(config.field('Volumes').map((item) => item)),
      entrypoint: texts(config.field('Entrypoint')),
      command: texts(config.field('Cmd')),
      workdir: config.field('WorkingDir').text(''),
      createdAt: answer.field('Created').text(''),
      architecture: answer.field('Architecture').text(''),
      size: answer.field('Size').number(0),
      layers: texts(answer.field('RootFS').field('Layers')),
    }
  },
  images: (answer: Reader): readonly ListedImage[] =>
    answer.list((item) => ({
      id: item.field('Id').text(),
      tags: texts(item.field('RepoTags')).filter((tag) => tag !== '<none>:<none>'),
      labels: labels(item.field('Labels')),
      size: item.field('Size').number(0),
      createdAt: new Date(item.field('Created').number(0) * 1000).toISOString(),
    })),
  imageIds: (answer: Reader): readonly string[] => answer.list((item) => item.field('Id').text()),
  network: (answer: Reader): InspectedNetwork => ({
    id: answer.field('Id').text(),
    name: answer.field('Name').text(),
    driver: answer.field('Driver').text(''),
    options: labels(answer.field('Options')),
    labels: labels(answer.field('Labels')),
    createdAt: answer.field('Created').text(''),
    attached: Object.keys(answer.field('Containers').map((item) => item)),
    gateways: answer
      .field('IPAM')
      .field('Config')
      .list((item) => item.field('Gateway').text('')),
  }),
  networks: (answer: Reader): readonly InspectedNetwork[] => answer.list(read.network),
  volume: (answer: Reader): NamedObject => ({
    id: answer.field('Name').text(),
    name: answer.field('Name').text(),
    labels: labels(answer.field('Labels')),
    createdAt: answer.field('CreatedAt').text(''),
  }),
  volumes: (answer: Reader): readonly NamedObject[] => answer.field('Volumes').list(read.volume),
  id: (answer: Reader): string => answer.field('Id').text(),
  created: (answer: Reader): { readonly id: string; readonly warnings: readonly string[] } => ({
    id: answer.field('Id').text(),
    warnings: texts(answer.field('Warnings')),
  }),
  execState: (answer: Reader): { readonly running: boolean; readonly exitCode: number } => ({
    running: answer.field('Running').flag(),
    exitCode: answer.field('ExitCode').number(-1),
  }),
  event: (
    answer: Reader,
  ): {
    readonly type: string
    readonly action: string
    readonly time: number
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
  } => {
    const actor = answer
      .field('Actor')
      .field('Attributes')
      .map((item) => item.text(''))
    return {
      type: answer.field('Type').text(''),
      action: answer.field('Action').text(''),
      time: answer.field('time').number(0),
      name: actor['name'] ?? '',
      labels: actor,
    }
  },
}
