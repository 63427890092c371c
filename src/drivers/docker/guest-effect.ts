/**
 * What happens inside the agent container between the probe and the agent program: probe, root certificate, git, what
 * the agent owns (`provision.ts`), environment, `ready`. All by the static helper; the image's own programs are never used. Idempotent: the second time the helper
 * finds every file as it should be.
 */
import { X509Certificate } from 'node:crypto'
import { DriverError } from '../../model/errors.ts'
import { liveNames } from '../../model/names.ts'
import type { Json } from '../../model/json.ts'
import type { Action } from '../../model/plan.ts'
import type { Resource } from '../../model/resource.ts'
import { guestEnvironment, GUEST_FILES } from '../../resources/guest/environment.ts'
import { changesGitAlone } from '../../resources/guest/git.ts'
import type { GuestSpec } from '../../resources/guest/spec.ts'
import type { Effect, EffectContext } from '../../ports/driver.ts'
import type { InspectedContainer } from './decode.ts'
import { verifyPrograms, writeGuestFiles } from './guest-files.ts'
import { installGit } from './guest-git.ts'
import { registerMcp } from './guest-mcp.ts'
import { beginAfter, endBefore } from './guest-program.ts'
import { callInit, helper, ROOT_USER } from './guest-helper.ts'
import { imagePath } from './image-defaults.ts'
import { ours, type Site } from './place.ts'
import { probe } from './probe.ts'
import { provision } from './provision.ts'
import { helperFailed } from './trouble.ts'

export async function performGuest(site: Site, action: Action, context: EffectContext): Promise<Effect> {
  const bottle = action.bottle ?? ''
  if (action.verb === 'remove') return { did: 'removed with its container' }
  const { spec } = action.desired as Resource<GuestSpec>
  const agent = await runningAgent(site, bottle)
  if (action.observed && changesGitAlone(action)) {
    const { git: _, ...kept } = action.observed.fields
    const fields = { ...kept, ...(await gitFields(site, agent, action)) }
    return { did: 'configured', objectId: agent.id, fields }
  }
  context.progress('probing')
  await probe(site, bottle, agent)
  context.signal.throwIfAborted()
  const { materials } = context
  const given = materials.provisions?.(bottle) ?? {}
  const roots = await installRoots(
    { site, agent, progress: context.progress },
    await materials.rootCertificate(bottle),
    await materials.nextRootCertificate?.(bottle),
  )
  const git = await gitFields(site, agent, action)
  const words = await provision({
    site,
    containerId: agent.id,
    spec,
    given,
    progress: context.progress,
    signal: context.signal,
  })
  const found = await endBefore(site.engine, agent.id, action)
  const environment = await writeEnvironment(site, agent, materials.environment(bottle))
  const files = materials.guestFiles?.(bottle) ?? []
  await writeGuestFiles(site.engine, agent.id, files)
  await verifyPrograms(site.engine, agent.id, environment, materials.verify?.(bottle) ?? [])
  const short =
    given.mcp && (await registerMcp(site.engine, agent.id, { registration: given.mcp, files, environment }))
  context.signal.throwIfAborted()
  await callInit(site.engine, agent.id, { op: 'ready' })
  const program = materials.program?.(bottle)
  const begun = await beginAfter(site.engine, agent.id, action, { program, found, environment })
  return {
    did: [words ?? 'provisioned', ...(begun === undefined ? [] : [begun])].join('; '),
    objectId: agent.id,
    ...(short && { short }),
    fields: {
      env: spec.env as unknown as Json,
      ...(spec.files && { files: spec.files as unknown as Json }),
      ...roots,
      ...git,
      ...(spec.prompt && { prompt: spec.prompt as unknown as Json }),
      ...(spec.skills && { skills: spec.skills as unknown as Json }),
      ...(short ? { mcpFailed: short.message } : spec.mcp && { mcp: spec.mcp as unknown as Json }),
      ...(spec.headless && { headless: spec.headless as unknown as Json }),
      ...(spec.onExit && { onExit: spec.onExit }),
      probe: 'passed',
    },
  }
}

/** What is declared, and how the files are that say it; where nothing is any more, they say nothing. */
async function gitFields(
  { engine }: Site,
  agent: InspectedContainer,
  { desired, observed }: Action,
): Promise<Effect['fields']> {
  const { git } = (desired as Resource<GuestSpec>).spec
  if (git) return { git: git as unknown as Json, gitFile: await installGit(engine, agent.id, git) }
  if (observed?.fields['git'] !== undefined) await installGit(engine, agent.id, { remotes: {} })
  return {}
}

/** After a restart of a provisioned container: the probe again, then ready. A container that was never provisioned stays idle. */
export async function wake(site: Site, bottle: string, signal: AbortSignal): Promise<void> {
  const agent = await runningAgent(site, bottle)
  const { stdout } = await helper(site.engine, agent.id, ['stat', GUEST_FILES.environment], ROOT_USER)
  signal.throwIfAborted()
  const [file] = JSON.parse(stdout) as readonly { readonly type?: string; readonly uid?: number }[]
  if (file?.type !== 'file' || file.uid !== 0) return
  await probe(site, bottle, agent)
  await callInit(site.engine, agent.id, { op: 'ready' })
}

export async function runningAgent(site: Site, bottle: string): Promise<InspectedContainer> {
  const name = liveNames.agent(site.stack, bottle)
  const agent = ours(site, 'container', await site.engine.container(name))
  if (agent?.state.running === true && !agent.state.paused) return agent
  throw new DriverError(`agent container of ${bottle} does not run`, {
    code: 'agent-not-running',
    hint: `bot-bottle start ${bottle}`,
  })
}

interface Installing {
  readonly site: Site
  readonly agent: InspectedContainer
  readonly progress: (text: string) => void
}

interface InstalledRoots {
  readonly root: string
  readonly nextRoot?: string
}

/** The root, and while it is renewed the next one beside it: a program that starts now trusts whichever egress shows. */
async function installRoots(
  { site, agent, progress }: Installing,
  present: string,
  next: string | undefined,
): Promise<InstalledRoots> {
  const both = `${present}${next ?? ''}`
  await writeFile(site, agent, GUEST_FILES.root, both)
  const root = await installRoot(site, agent, present, [])
  const { layout = 'unknown', before = 0, after = 1, fingerprint } = root
  progress(
    `root certificate ${fingerprint} installed (${layout}: ${before} certificates before, ${after} after)`,
  )
  if (next === undefined) return { root: root.fingerprint }
  const beside = await installRoot(site, agent, next, ['--beside'])
  // Where the helper knows no store, each call leaves its own certificate alone in the bundle.
  if (beside.layout === 'unknown') await writeFile(site, agent, GUEST_FILES.bundle, both)
  else if (beside.roots?.includes(root.fingerprint) !== true)
    throw helperFailed('put the new root beside the old one', 'the store does not have both')
  return { root: root.fingerprint, nextRoot: beside.fingerprint }
}

interface Installed {
  readonly layout?: string
  readonly before?: number
  readonly after?: number
  readonly fingerprint: string
  /** Ours that are in the store now. */
  readonly roots?: readonly string[]
}

/** As many certificates more than before as roots are meant to be there, and this one among them (lessons.md, 7). */
async function installRoot(
  site: Site,
  agent: InspectedContainer,
  certificate: string,
  beside: readonly string[],
): Promise<Installed> {
  const wanted = new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()
  const { stdout } = await helper(
    site.engine,
    agent.id,
    ['trust', 'install', '--cert-stdin', ...beside, '--bundle-out', GUEST_FILES.bundle],
    ROOT_USER,
    certificate,
  )
  const told = JSON.parse(stdout) as Installed
  const more = 1 + beside.length
  const counted = told.layout === 'unknown' || told.after === (told.before ?? 0) + more
  if (told.fingerprint === wanted && counted) return told
  throw helperFailed(
    'install the root certificate',
    `the store has ${told.after} certificates after ${told.before}, root ${told.fingerprint ?? 'unknown'}`,
  )
}

async function writeFile(site: Site, agent: InspectedContainer, path: string, text: string): Promise<void> {
  await helper(site.engine, agent.id, ['write', path, '--mode', '0644', '--parents'], ROOT_USER, text)
}

/** Root's file: the agent reads its environment there and cannot change what the next program gets. */
async function writeEnvironment(
  site: Site,
  agent: InspectedContainer,
  declared: ReadonlyMap<string, string>,
): Promise<Readonly<Record<string, string>>> {
  // What creation let through of the image's own variables, so that every way in has the same environment.
  const list = agent.config['Env']
  const created = Array.isArray(list) ? list.map(String) : []
  const image = new Map(
    created
      .filter((line) => line.includes('='))
      .map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  )
  const environment = guestEnvironment(new Map([...image, ...declared]), imagePath(created))
  const text = `${JSON.stringify(environment, undefined, 1)}\n`
  await writeFile(site, agent, GUEST_FILES.environment, text)
  return environment
}
