/**
 * The shape of a create call, as the engine takes it (API 1.41); only the fields we send. Types, not interfaces: only
 * those are JSON to the compiler.
 */

export type Mount = {
  readonly Type: 'volume' | 'bind'
  readonly Source: string
  readonly Target: string
  readonly ReadOnly: boolean
  /** `Labels`: of a volume that the engine makes because it is gone by then. */
  readonly VolumeOptions?: {
    readonly NoCopy: boolean
    readonly Labels?: Readonly<Record<string, string>>
  }
}

export type HostConfig = {
  readonly CapDrop: readonly string[]
  readonly CapAdd: readonly string[]
  readonly Privileged: boolean
  readonly Init: boolean
  readonly IpcMode: string
  readonly PidMode: string
  readonly UTSMode: string
  readonly CgroupnsMode: string
  readonly UsernsMode: string
  readonly PublishAllPorts: boolean
  readonly PortBindings: Readonly<Record<string, never>>
  readonly Links: null
  readonly Binds: null
  readonly Devices: readonly never[]
  readonly DeviceRequests: null
  readonly DeviceCgroupRules: null
  readonly GroupAdd: readonly never[]
  readonly VolumesFrom: null
  readonly ExtraHosts: readonly never[]
  readonly Dns: readonly string[]
  readonly DnsSearch: readonly string[]
  readonly DnsOptions: readonly string[]
  readonly RestartPolicy: { readonly Name: 'no'; readonly MaximumRetryCount: 0 }
  readonly AutoRemove: boolean
  readonly OomKillDisable: boolean
  readonly OomScoreAdj: number
  readonly CpuShares: number
  readonly NanoCpus: number
  readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> }
  readonly MaskedPaths: readonly string[]
  readonly ReadonlyPaths: readonly string[]
  readonly ReadonlyRootfs: boolean
  readonly ShmSize: number
  readonly SecurityOpt: readonly string[]
  readonly Sysctls: Readonly<Record<string, string>>
  readonly NetworkMode: string
  readonly PidsLimit: number
  readonly Memory: number
  readonly MemorySwap: number
  readonly StorageOpt?: Readonly<Record<string, string>>
  readonly Ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]
  readonly Tmpfs: Readonly<Record<string, string>>
  readonly Mounts: readonly Mount[]
}

export type CreateBody = {
  readonly Image: string
  /** Numeric `uid:gid`: a name would follow the image's passwd (topology-attack G3). */
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly WorkingDir: string
  readonly Env: readonly string[]
  readonly Healthcheck: { readonly Test: readonly ['NONE'] }
  readonly StopSignal: string
  /** Seconds. */
  readonly StopTimeout: number
  readonly Tty: boolean
  readonly OpenStdin: boolean
  readonly AttachStdin: boolean
  readonly NetworkDisabled: boolean
  readonly Labels: Readonly<Record<string, string>>
  readonly HostConfig: HostConfig
}

/** Replaces the engine's list: that one, and what tells about the machine. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
  '/sys/devices/system/cpu/cpu0/thermal_throttle',
  '/proc/kallsyms',
  '/proc/modules',
  '/proc/diskstats',
  '/proc/partitions',
  '/proc/swaps',
  '/proc/locks',
  '/proc/vmallocinfo',
  '/proc/config.gz',
  '/sys/kernel',
  '/sys/module',
  '/sys/class/dmi',
  '/sys/block',
  '/sys/bus',
  '/sys/dev',
]

export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
]
