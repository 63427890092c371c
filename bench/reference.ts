/** The same containers made by plain `docker run`, one after the other: what a stack costs without this program. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { read, time } from './measure.ts'

/** Arguments of `docker run` that make a container like one that lives, in another name; in the order of their start. */
export interface Plain {
  readonly names: readonly string[]
  run(): Promise<number>
  remove(): Promise<void>
  /** What every run shared as well. */
  close(): Promise<void>
}

interface Inspected {
  readonly Id: string
  readonly Name: string
  readonly Created: string
  readonly Config: {
    readonly Image: string
    readonly User: string
    readonly WorkingDir: string
    readonly Env: readonly string[] | null
    readonly Entrypoint: readonly string[] | null
    readonly Cmd: readonly string[] | null
  }
  readonly HostConfig: {
    readonly NetworkMode: string
    readonly CapAdd: readonly string[] | null
    readonly CapDrop: readonly string[] | null
    readonly SecurityOpt: readonly string[] | null
    readonly ReadonlyRootfs: boolean
    readonly Memory: number
    readonly NanoCpus: number
    readonly PidsLimit: number | null
    readonly Tmpfs: Readonly<Record<string, string>> | null
    readonly Sysctls: Readonly<Record<string, string>> | null
  }
  readonly Mounts: readonly {
    readonly Type: string
    readonly Name?: string
    readonly Source: string
    readonly Destination: string
    readonly RW: boolean
  }[]
}

const docker = (...argv: readonly string[]) => read({ argv: ['docker', ...argv] })

/** Reads a live stack; the network and the volumes it needs are made before any time is taken. */
export async function plainCopy(stack: string, folder: string): Promise<Plain> {
  const live = (await docker('ps', '--format', '{{.Names}}'))
    .split('\n')
    .filter((name) => name.startsWith(`bb_${stack}_`))
  const inspected = (JSON.parse(await docker('inspect', ...live)) as Inspected[]).sort((a, b) =>
    a.Created < b.Created ? -1 : 1,
  )
  const names = new Map(inspected.map(({ Id, Name }) => [Id, plain(Name.slice(1))]))
  const profiles = join(folder, `profiles-${stack}`)
  mkdirSync(profiles, { recursive: true })
  const runs = inspected.map((container, index) =>
    argumentsOf(container, names, join(profiles, `${index}.json`)),
  )
  const network = plain(`bb_${stack}_uplink`)
  await docker('network', 'create', network)
  // The helper's volume goes with the last stack that uses it; the copies keep one of their own.
  const tools = inspected
    .flatMap(({ Mounts, Config }) => Mounts.map(({ Name }) => ({ volume: Name ?? '', image: Config.Image })))
    .find(({ volume }) => volume.startsWith('bb_tools_'))
  if (tools)
    await docker(
      'run',
      ...'--rm --network none --user 0:0 --entrypoint cp'.split(' '),
      ...many('--volume', [`${tools.volume}:/from:ro`, `${plain(tools.volume)}:/to`]),
      tools.image,
      ...'-a /from/. /to/'.split(' '),
    )
  const volumes = [
    ...new Set(
      inspected.flatMap(({ Mounts }) =>
        Mounts.flatMap(({ Name }) => (Name && Name !== tools?.volume ? [plain(Name)] : [])),
      ),
    ),
  ]
  const all = [...names.values()]
  return {
    names: all,
    async run() {
      let took = 0
      for (const argv of runs) took += await time({ argv: ['docker', ...argv] })
      return took
    },
    async remove() {
      await docker('rm', '-fv', ...all).catch(() => '')
      await docker('volume', 'rm', '-f', ...volumes).catch(() => '')
    },
    async close() {
      await docker('rm', '-fv', ...all).catch(() => '')
      await docker('volume', 'rm', '-f', ...volumes, ...(tools ? [plain(tools.volume)] : [])).catch(() => '')
      await docker('network', 'rm', network).catch(() => '')
    },
  }
}

const plain = (name: string) => `plain_${name}`

const many = (flag: string, values: readonly string[] | null): readonly string[] =>
  (values ?? []).flatMap((value) => [flag, value])

function argumentsOf(
  { Name, Config, HostConfig, Mounts }: Inspected,
  names: ReadonlyMap<string, string>,
  profile: string,
): readonly string[] {
  const [entry, ...words] = [...(Config.Entrypoint ?? []), ...(Config.Cmd ?? [])]
  const mode = HostConfig.NetworkMode
  const owner = /^container:(.+)$/.exec(mode)?.[1]
  const network = owner
    ? `container:${names.get(owner) ?? owner}`
    : mode.startsWith('bb_')
      ? plain(mode)
      : mode
  const security = (HostConfig.SecurityOpt ?? []).map((option) => {
    if (!option.startsWith('seccomp=') && !option.startsWith('seccomp:')) return option
    writeFileSync(profile, option.slice('seccomp='.length))
    return `seccomp=${profile}`
  })
  return [
    'run',
    '-d',
    '--name',
    plain(Name.slice(1)),
    '--network',
    network,
    '--restart',
    'no',
    ...many('--cap-drop', HostConfig.CapDrop),
    ...many('--cap-add', HostConfig.CapAdd),
    ...many('--security-opt', security),
    ...many('--env', Config.Env),
    ...many(
      '--tmpfs',
      Object.entries(HostConfig.Tmpfs ?? {}).map(([path, how]) => `${path}:${how}`),
    ),
    ...many(
      '--sysctl',
      Object.entries(HostConfig.Sysctls ?? {}).map(([key, value]) => `${key}=${value}`),
    ),
    ...many(
      '--volume',
      Mounts.flatMap(({ Type, Name: volume, Source, Destination, RW }) =>
        Type === 'tmpfs' ? [] : [`${volume ? plain(volume) : Source}:${Destination}${RW ? '' : ':ro'}`],
      ),
    ),
    ...(HostConfig.ReadonlyRootfs ? ['--read-only'] : []),
    ...(HostConfig.Memory > 0 ? ['--memory', `${HostConfig.Memory}b`] : []),
    ...(HostConfig.NanoCpus > 0 ? ['--cpus', String(HostConfig.NanoCpus / 1e9)] : []),
    ...((HostConfig.PidsLimit ?? 0) > 0 ? ['--pids-limit', String(HostConfig.PidsLimit)] : []),
    ...(Config.User ? ['--user', Config.User] : []),
    ...(Config.WorkingDir ? ['--workdir', Config.WorkingDir] : []),
    ...(entry ? ['--entrypoint', entry] : []),
    Config.Image,
    ...words,
  ]
}
