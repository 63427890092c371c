/**
 * The controls that live in the create calls, and how each is switched off: by an edit of a recorded call that is
 * replayed to the engine without the product. There is no switch in the product.
 */
export type Control =
  | 'no-network'
  | 'cap-drop'
  | 'seccomp'
  | 'no-new-privileges'
  | 'low-ports'
  | 'ipv6-off'
  | 'ping-closed'
  | 'readonly-paths'
  | 'masked-paths'
  | 'pid-namespace'
  | 'own-mounts'
  | 'idle-init'
  | 'no-host-entries'
  | 'own-resolver'
  | 'pids-limit'
  | 'memory-limit'
  | 'file-limit'
  | 'tmp-size'
  | 'shm-size'
  | 'restart-never'

export type Host = Record<string, unknown> & { readonly Sysctls?: Record<string, string> }
export interface Body extends Record<string, unknown> {
  readonly HostConfig: Host
}

interface Mutation {
  readonly of: 'holder' | 'agent'
  /** `network` is a bridge of the stack that is being attacked. */
  readonly off: (body: Body, network: string) => void
}

const sysctl = (body: Body, name: string, value: string) =>
  void ((body.HostConfig.Sysctls as Record<string, string>)[name] = value)
export const MUTATIONS: Readonly<Record<Control, Mutation>> = {
  'no-network': { of: 'holder', off: (body, network) => void (body.HostConfig['NetworkMode'] = network) },
  'cap-drop': {
    of: 'agent',
    off(body) {
      body.HostConfig['CapDrop'] = []
      body.HostConfig['CapAdd'] = ['NET_RAW', 'NET_ADMIN', 'SYS_ADMIN']
      // With another user an exec as root gains nothing under no-new-privileges (V7).
      body['User'] = '0:0'
    },
  },
  seccomp: {
    of: 'agent',
    off: ({ HostConfig: host }) =>
      void (host['SecurityOpt'] = ['no-new-privileges:true', 'seccomp=unconfined']),
  },
  'no-new-privileges': {
    of: 'agent',
    off: ({ HostConfig: host }) => void (host['SecurityOpt'] = (host['SecurityOpt'] as string[]).slice(1)),
  },
  'low-ports': { of: 'holder', off: (body) => sysctl(body, 'net.ipv4.ip_unprivileged_port_start', '0') },
  'ipv6-off': {
    of: 'holder',
    off: (body) => {
      sysctl(body, 'net.ipv6.conf.all.disable_ipv6', '0')
      sysctl(body, 'net.ipv6.conf.default.disable_ipv6', '0')
    },
  },
  'ping-closed': { of: 'holder', off: (body) => sysctl(body, 'net.ipv4.ping_group_range', '0 2147483647') },
  'readonly-paths': { of: 'agent', off: ({ HostConfig: host }) => void (host['ReadonlyPaths'] = []) },
  'masked-paths': { of: 'agent', off: ({ HostConfig: host }) => void (host['MaskedPaths'] = []) },
  'pid-namespace': { of: 'agent', off: ({ HostConfig: host }) => void (host['PidMode'] = 'host') },
  'own-mounts': {
    of: 'agent',
    off: ({ HostConfig: host }) => void (host['Binds'] = ['/var/run/docker.sock:/var/run/docker.sock']),
  },
  'idle-init': { of: 'agent', off: (body) => void (body['Entrypoint'] = ['/bin/sleep', '600']) },
  'no-host-entries': {
    of: 'holder',
    off: ({ HostConfig: host }) => void (host['ExtraHosts'] = ['host.docker.internal:10.9.9.9']),
  },
  'own-resolver': { of: 'holder', off: ({ HostConfig: host }) => void (host['Dns'] = ['10.9.9.9']) },
  'pids-limit': { of: 'agent', off: ({ HostConfig: host }) => void (host['PidsLimit'] = 0) },
  'memory-limit': {
    of: 'agent',
    off: ({ HostConfig: host }) => void (host['Memory'] = host['MemorySwap'] = 0),
  },
  'file-limit': {
    of: 'agent',
    off: ({ HostConfig: host }) =>
      void (host['Ulimits'] = (host['Ulimits'] as { Name: string; Hard: number }[]).map((one) =>
        one.Name === 'nofile' ? { ...one, Soft: one.Hard } : one,
      )),
  },
  'tmp-size': {
    of: 'agent',
    off: ({ HostConfig: host }) =>
      void (host['Tmpfs'] = { ...(host['Tmpfs'] as object), '/tmp': 'rw,exec,nosuid,nodev,mode=1777' }),
  },
  'shm-size': { of: 'agent', off: ({ HostConfig: host }) => void (host['ShmSize'] = 2 ** 30) },
  'restart-never': {
    of: 'agent',
    off: ({ HostConfig: host }) => void (host['RestartPolicy'] = { Name: 'always', MaximumRetryCount: 0 }),
  },
}
