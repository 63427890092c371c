/**
 * The breakout battery before the agent program starts: its network part from the bundle's image in the shared
 * namespace, its process part in the agent container as the agent's user. Any check that is not as wanted is a
 * `probe-failed`; there is no way to leave one out.
 */
import { DOORS, liveNames } from '../../model/names.ts'
import { AGENT } from '../../resources/guest/environment.ts'
import { PATHS } from './bodies.ts'
import { bundleTarget } from './bundle-effect.ts'
import { ask } from './control.ts'
import type { InspectedContainer } from './decode.ts'
import { run } from './exec.ts'
import { AGENT_USER } from './guest-helper.ts'
import { ours, type Site } from './place.ts'
import { helperFailed, probeFailed } from './trouble.ts'

/** Nobody: the network part needs no right at all. */
const NOBODY = '65534:65534'

export async function probe(site: Site, bottle: string, agent: InspectedContainer): Promise<void> {
  const bundle = ours(site, 'container', await site.engine.container(liveNames.bundle(site.stack, bottle)))
  const parts = [probeProcess(site, agent)]
  if (bundle?.state.running === true) parts.push(probeNetwork(site, bottle, bundle))
  else parts.push(Promise.resolve(['network: the bundle does not run, so nothing can be probed from it']))
  const failed = (await Promise.all(parts)).flat()
  if (failed.length > 0) throw probeFailed(bottle, failed)
}

async function probeProcess(site: Site, agent: InspectedContainer): Promise<readonly string[]> {
  const mounts = agent.mounts.map(({ target }) => target)
  const tmpfs = Object.keys((agent.hostConfig['Tmpfs'] ?? {}) as object)
  const known = [...new Set([...mounts, ...tmpfs])].flatMap((target) => ['--mounts', target])
  const argv = [
    PATHS.guest,
    'probe',
    'process',
    '--uid',
    String(AGENT.uid),
    '--gid',
    String(AGENT.gid),
    '--readonly',
    PATHS.tools,
    ...known,
  ]
  return judge(site, agent.id, argv, AGENT_USER)
}

async function probeNetwork(
  site: Site,
  bottle: string,
  bundle: InspectedContainer,
): Promise<readonly string[]> {
  const [networks, status] = await Promise.all([
    site.engine.networks(),
    ask(
      site.engine,
      bundleTarget(bundle.id, bottle),
      { op: 'status', nonce: 'probe' },
      AbortSignal.timeout(10_000),
    ),
  ])
  const canaries = networks
    .flatMap(({ gateways }) => gateways)
    .filter((gateway) => /^[\d.]+$/.test(gateway))
    .map((gateway) => `${gateway}:80`)
  const doors = configuredDoors(status).map((port) => `127.0.0.1:${port}`)
  const flags = [
    ...canaries.flatMap((canary) => ['--canary', canary]),
    ...doors.flatMap((door) => ['--door', door]),
  ]
  return judge(site, bundle.id, [PATHS.sidecarGuest, 'probe', 'network', ...flags], NOBODY)
}

interface Enforcing {
  readonly generation?: number
}
interface DoorsStatus {
  readonly daemons?: {
    readonly egress?: { readonly egress?: Enforcing }
    readonly 'git-gate'?: { readonly state?: string; readonly gate?: Enforcing }
  }
}

/** Doors are handed to a daemon after its first configuration; a gate without remotes has none. */
function configuredDoors(status: unknown): readonly number[] {
  const { egress, 'git-gate': gate } = (status as DoorsStatus).daemons ?? {}
  const isConfigured = (enforcing: Enforcing | undefined) => (enforcing?.generation ?? 0) > 0
  return [
    ...(isConfigured(egress?.egress) ? [DOORS.egress] : []),
    ...(gate?.state === 'running' && isConfigured(gate.gate) ? [DOORS.git] : []),
  ]
}

interface Check {
  readonly id: string
  readonly ok: boolean
  readonly attempt?: string
  readonly result?: string
}

async function judge(
  site: Site,
  containerId: string,
  argv: readonly string[],
  user: string,
): Promise<readonly string[]> {
  const { code, stdout, stderr } = await run(site.engine, containerId, { argv, user, env: {}, cwd: '/' })
  const part = argv[2] ?? ''
  if (code !== 0 && code !== 1) throw helperFailed(`run the ${part} probe`, stderr || `exit code ${code}`)
  const answer = JSON.parse(stdout.toString('utf8')) as {
    readonly ok?: boolean
    readonly checks?: readonly Check[]
  }
  const failed = (answer.checks ?? [])
    .filter(({ ok }) => !ok)
    .map(({ id, result }) => `${id}: ${result ?? 'not as wanted'}`)
  const silent = (answer.checks ?? []).length === 0 || (answer.ok !== true && failed.length === 0)
  return silent ? [`the ${part} probe said nothing`] : failed
}
