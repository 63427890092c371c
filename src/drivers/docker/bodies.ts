/**
 * The create bodies of our containers: the only place that builds them, for create, recreate, heal and resume alike
 * (containment.md, rule 6 and HST-14). Pure: the same input gives the same body, and the observer rebuilds it to say
 * what of a live container differs. Never edited after creation: no connect, no update.
 */
import { AGENT } from '../../resources/guest/environment.ts'
import { agentEnvironment, type ImageDefaults } from './image-defaults.ts'
import { bundleLimits } from './bundle-limits.ts'
import { MASKED_PATHS, READONLY_PATHS, type CreateBody, type HostConfig, type Mount } from './body.ts'
import { DOCKER_LABELS } from './labels.ts'
import { seccompOption, type ProfileName } from './seccomp/profile.ts'
import type { DaemonName } from '../../model/control.ts'
import type { BottleSpec } from '../../resources/bottle/spec.ts'

type Labels = Readonly<Record<string, string>>
const MIB = 1024 * 1024

/** Nobody else on the machine has it: the directory with the dial socket is its own (topology-attack U2, U3). */
export const UPLINK_USER = { uid: 9900, gid: 9900 } as const

/** Paths inside the containers. */
export const PATHS = {
  tools: '/.bb',
  guest: '/.bb/guest',
  /** In the sidecar image. */
  sidecars: '/bb',
  sidecarGuest: '/bb/guest',
  init: '/run/bb',
  bundleUplink: '/uplink',
  uplinkVolume: '/run/up',
} as const

/** Where volumes are mounted in the agent; none of these may be a link in the image (topology-attack G5). */
export const AGENT_TARGETS: readonly string[] = [PATHS.tools, AGENT.workspace, AGENT.home, PATHS.init, '/tmp']

export interface HolderInput {
  readonly image: string
  readonly labels: Labels
}

/** Owns the namespace: only `lo`, no resolver that asks anyone, low ports only for who has the capability. */
export function holderBody(input: HolderInput): CreateBody {
  return {
    ...common(input.image, '65534:65534', ['/bin/sleep', 'infinity'], input.labels),
    // PID 1 without a handler ignores SIGTERM; it holds nothing that could be lost.
    StopSignal: 'SIGKILL',
    HostConfig: {
      ...hardened('bundle'),
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      Dns: ['127.0.0.2'],
      DnsSearch: ['.'],
      Sysctls: {
        'net.ipv4.ip_unprivileged_port_start': '1024',
        'net.ipv4.ip_forward': '0',
        'net.ipv6.conf.all.disable_ipv6': '1',
        'net.ipv6.conf.default.disable_ipv6': '1',
        'net.ipv4.ping_group_range': '1 0',
        'net.ipv4.conf.all.rp_filter': '1',
        'net.ipv4.conf.lo.route_localnet': '0',
        'net.ipv4.tcp_rmem': '4096 65536 524288',
        'net.ipv4.tcp_wmem': '4096 65536 524288',
      },
      PidsLimit: 4,
      Memory: 8 * MIB,
      MemorySwap: 8 * MIB,
    },
  }
}

export interface AgentInput {
  readonly image: string
  readonly holderId: string
  readonly labels: Labels
  readonly resources: BottleSpec['resources']
  readonly volumes: { readonly work: string; readonly home: string; readonly tools: string }
  /** What the image would like; overridden here. */
  readonly defaults: ImageDefaults
}

/** The user's image with our idle init as entry point; nothing of the image runs by itself (G1, NET-21, HST-15). */
export function agentBody(input: AgentInput): CreateBody {
  const { resources } = input
  return {
    ...common(
      input.image,
      `${AGENT.uid}:${AGENT.gid}`,
      [PATHS.guest, 'init', '--run', PATHS.init],
      input.labels,
    ),
    Env: agentEnvironment(input.defaults),
    HostConfig: {
      ...hardened('agent'),
      NetworkMode: `container:${input.holderId}`,
      CpuShares: 512,
      OomScoreAdj: 500,
      PidsLimit: resources.pids,
      Memory: resources.memoryBytes ?? 0,
      MemorySwap: resources.memoryBytes ?? 0,
      NanoCpus: Math.round((resources.cpus ?? 0) * 1e9),
      ...(resources.diskBytes !== undefined && { StorageOpt: { size: String(resources.diskBytes) } }),
      Ulimits: [
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'nofile', Soft: 4096, Hard: 16384 },
        { Name: 'memlock', Soft: 65536, Hard: 65536 },
        { Name: 'msgqueue', Soft: 65536, Hard: 65536 },
      ],
      Tmpfs: {
        '/tmp': 'rw,exec,nosuid,nodev,size=512m,mode=1777',
        [PATHS.init]: `rw,noexec,nosuid,nodev,size=1m,mode=0700,uid=${AGENT.uid},gid=${AGENT.gid}`,
        // An anonymous volume per VOLUME line would outlive the container and have no limit.
        ...Object.fromEntries(
          input.defaults.volumes.map((target) => [target, 'rw,nosuid,nodev,size=64m,mode=1777']),
        ),
      },
      Mounts: [
        // Another stack's destroy may remove it at this moment: what the engine then makes must be known as ours.
        volume(input.volumes.tools, PATHS.tools, true, { [DOCKER_LABELS.part]: 'tools' }),
        volume(input.volumes.work, AGENT.workspace, false),
        volume(input.volumes.home, AGENT.home, false),
      ],
    },
  }
}

export interface BundleInput {
  readonly image: string
  readonly holderId: string
  readonly labels: Labels
  readonly uplinkVolume: string
  readonly bottle: string
  readonly daemons: readonly { readonly name: DaemonName; readonly uid: number }[]
}

/** The sidecars. Only the supervisor (root, four capabilities) ever holds a capability (I6). */
export function bundleBody(input: BundleInput): CreateBody {
  const { pids, memory, tmpfs } = bundleLimits(input.daemons)
  return {
    ...common(
      input.image,
      '0:0',
      sidecar('supervisor', [
        '--bottle',
        input.bottle,
        ...input.daemons.flatMap(({ name, uid }) => ['--daemon', `${name}=${uid}`]),
        '--helper',
        PATHS.sidecarGuest,
      ]),
      input.labels,
    ),
    HostConfig: {
      ...hardened('bundle'),
      CapAdd: ['KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'],
      NetworkMode: `container:${input.holderId}`,
      ReadonlyRootfs: true,
      PidsLimit: pids,
      Memory: memory,
      MemorySwap: memory,
      Ulimits: SIDECAR_LIMITS,
      Tmpfs: tmpfs,
      Mounts: [
        volume(input.uplinkVolume, PATHS.bundleUplink, true),
        // The engine shares these three files with every joiner, and the agent's root could write them (I2, I3).
        ...['/etc/hosts', '/etc/resolv.conf', '/etc/hostname'].map((target): Mount => ({
          Type: 'bind',
          Source: '/dev/null',
          Target: target,
          ReadOnly: true,
        })),
      ],
    },
  }
}

export interface UplinkInput {
  readonly image: string
  readonly network: string
  readonly labels: Labels
  readonly volume: string
  readonly stack: string
}

/** The stack's only process with a network, on a bridge of its own. */
export function uplinkBody(input: UplinkInput): CreateBody {
  const { uid, gid } = UPLINK_USER
  return {
    ...common(input.image, `${uid}:${gid}`, sidecar('uplink', ['--stack', input.stack]), input.labels),
    HostConfig: {
      ...hardened('uplink'),
      NetworkMode: input.network,
      ReadonlyRootfs: true,
      Sysctls: {
        'net.ipv4.ip_forward': '0',
        'net.ipv4.conf.all.route_localnet': '0',
        'net.ipv4.conf.all.accept_redirects': '0',
        'net.ipv4.ip_unprivileged_port_start': '1024',
        'net.ipv4.ping_group_range': '1 0',
      },
      PidsLimit: 128,
      Memory: 256 * MIB,
      MemorySwap: 256 * MIB,
      Ulimits: SIDECAR_LIMITS,
      Tmpfs: {
        '/tmp': 'rw,noexec,nosuid,nodev,size=16m,mode=1777',
        '/run/uplink': `rw,noexec,nosuid,nodev,size=1m,mode=0700,uid=${uid},gid=${gid}`,
      },
      Mounts: [volume(input.volume, PATHS.uplinkVolume, false)],
    },
  }
}

export interface StepInput {
  readonly image: string
  readonly labels: Labels
  /** Volume by folder of the sidecar image. */
  readonly volumes: Readonly<Record<string, string>>
}

/**
 * Created and removed, never started: while it creates a container the engine fills an empty volume from the image's
 * folder, content and owner alike. So our volumes get their owner and the tools volume its helper with no capability
 * and no process.
 */
export function stepBody(input: StepInput): CreateBody {
  return {
    ...common(input.image, '65534:65534', ['/bin/false'], input.labels),
    HostConfig: {
      ...hardened('bundle'),
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      PidsLimit: 4,
      Memory: 8 * MIB,
      MemorySwap: 8 * MIB,
      Mounts: Object.entries(input.volumes).map(([target, source]): Mount => ({
        Type: 'volume',
        Source: source,
        Target: target,
        ReadOnly: false,
      })),
    },
  }
}

/** No debugger by signal, a small young generation: a bundle is one of many on its machine. */
const NODE_FLAGS = ['--disable-sigusr1', '--max-semi-space-size=1', '--no-warnings']

function sidecar(program: 'supervisor' | 'uplink', flags: readonly string[]): readonly string[] {
  return [`${PATHS.sidecars}/bin/${program}`, ...NODE_FLAGS, `${PATHS.sidecars}/${program}/main.js`, ...flags]
}

const SIDECAR_LIMITS = [
  { Name: 'core', Soft: 0, Hard: 0 },
  { Name: 'nofile', Soft: 16384, Hard: 16384 },
] as const

/** Never `Hostname`: a joiner that has one is refused by the engine. */
function common(
  image: string,
  user: string,
  entrypoint: readonly string[],
  labels: Labels,
): Omit<CreateBody, 'HostConfig'> {
  return {
    Image: image,
    User: user,
    Entrypoint: entrypoint,
    Cmd: [],
    WorkingDir: '/',
    Env: [],
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGTERM',
    StopTimeout: 3,
    Tty: false,
    OpenStdin: false,
    AttachStdin: false,
    NetworkDisabled: false,
    Labels: labels,
  }
}

function hardened(profile: ProfileName): HostConfig {
  return {
    CapDrop: ['ALL'],
    CapAdd: [],
    Privileged: false,
    Init: false,
    IpcMode: 'private',
    PidMode: '',
    UTSMode: '',
    CgroupnsMode: 'private',
    UsernsMode: '',
    PublishAllPorts: false,
    PortBindings: {},
    Links: null,
    Binds: null,
    Devices: [],
    DeviceRequests: null,
    DeviceCgroupRules: null,
    GroupAdd: [],
    VolumesFrom: null,
    ExtraHosts: [],
    Dns: [],
    DnsSearch: [],
    DnsOptions: [],
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    OomKillDisable: false,
    OomScoreAdj: 0,
    CpuShares: 0,
    NanoCpus: 0,
    LogConfig: { Type: 'json-file', Config: { 'max-size': '4m', 'max-file': '2' } },
    MaskedPaths: MASKED_PATHS,
    ReadonlyPaths: READONLY_PATHS,
    ReadonlyRootfs: false,
    ShmSize: 64 * MIB,
    SecurityOpt: ['no-new-privileges:true', seccompOption(profile)],
    Sysctls: {},
    NetworkMode: 'none',
    PidsLimit: 0,
    Memory: 0,
    MemorySwap: 0,
    Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
    Tmpfs: {},
    Mounts: [],
  }
}

function volume(source: string, target: string, readOnly: boolean, labels?: Labels): Mount {
  return {
    Type: 'volume',
    Source: source,
    Target: target,
    ReadOnly: readOnly,
    VolumeOptions: { NoCopy: true, ...(labels && { Labels: labels }) },
  }
}
