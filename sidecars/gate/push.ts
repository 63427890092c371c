/**
 * One push from its commands to its report. Names are judged before anything is taken in; what is taken in lies in a
 * quarantine; facts, scan and the way up happen under the remote's lock, with the object ids that were scanned. Whatever
 * is not known to be right refuses the whole push.
 */
import type { GateRemote, KnownPrints } from '../../src/model/gate.ts'
import { equal } from '../../src/model/json.ts'
import { safeText } from '../../src/model/text.ts'
import { judgeFacts, judgeNames } from '../policy/refs.ts'
import type { RefFacts, RefRefusal, RefUpdate } from '../policy/refs.ts'
import { readCommands, statusReport } from './commands.ts'
import type { Commands } from './commands.ts'
import { controls } from './controls.ts'
import type { GateAnswer, GateRequest } from './exchange.ts'
import { flaggedPaths } from './flags.ts'
import { git, GitFailed } from './git.ts'
import type { GitRun } from './git.ts'
import type { GateLimits } from './limits.ts'
import { UpstreamFailed } from './link.ts'
import type { Link } from './link.ts'
import type { Job } from './look.ts'
import type { Mirror } from './mirror.ts'
import { Doubt } from './objects.ts'
import { PktReader } from './pkt.ts'
import { Progress } from './progress.ts'
import { Quarantine } from './quarantine.ts'
import type { Scanners } from './scanners.ts'
import { commitsOf } from './origins.ts'
import { pushUpstream } from './upstream.ts'
import { foundReason, largeReason, reason, refReason, refusalText, strangerReason } from './words.ts'
import type { Reason } from './words.ts'

/** What a push needs of its remote; the configuration is asked for when it is judged, not before. */
export interface PushPlace {
  readonly remote: () => GateRemote
  readonly link: () => Link
  readonly mirror: Mirror
  readonly known: () => KnownPrints | undefined
  readonly scanners: Scanners
  readonly folder: string
  readonly limits: GateLimits
  /** One step of this remote after the other. */
  readonly inTurn: <T>(step: () => Promise<T>) => Promise<T>
}

export interface PushOutcome {
  readonly decision: 'allow' | 'deny'
  readonly rules: readonly string[]
  readonly refs: readonly string[]
}

class Refused extends Error {
  override readonly name = 'Refused'
  readonly reasons: readonly Reason[]
  constructor(reasons: readonly Reason[]) {
    super('refused')
    this.reasons = reasons
  }
}

export async function receivePush(
  place: PushPlace,
  request: GateRequest,
  answer: GateAnswer,
): Promise<PushOutcome | undefined> {
  const reader = new PktReader(request.next)
  const commands = await readCommands(reader)
  if (commands === undefined) {
    await answer.head(200, RESULT)
    return undefined
  }
  let quarantine: Quarantine | undefined
  let progress: Progress | undefined
  let outcome: readonly Reason[] = []
  let warned: readonly string[] = []
  try {
    const updates = namesAllowed(commands, place.remote())
    if (commands.pack) quarantine = await takeIn(place, reader, request.signal)
    progress = await Progress.begin(answer, commands.sideBand, place.limits.aliveMs)
    const teller = progress
    const { run } = quarantine ?? { run: { repository: place.mirror.path } }
    warned = await place.inTurn(() =>
      passOn(place, { updates, run, quarantine, signal: request.signal }, teller),
    )
  } catch (error) {
    outcome = reasonsOf(error)
    if (request.signal.aborted) throw error
    await drain(reader, place)
  } finally {
    await progress?.end()
    await quarantine?.close()
  }
  progress ??= await Progress.begin(answer, commands.sideBand, place.limits.aliveMs)
  if (outcome.length > 0) await progress.say(refusalText(outcome))
  await progress.end()
  const short = outcome.length === 0 ? undefined : shortFor(outcome, commands)
  await answer.write(statusReport(commands, 'ok', short))
  return {
    decision: outcome.length === 0 ? 'allow' : 'deny',
    rules: outcome.length === 0 ? warned : outcome.map(({ rule }) => rule),
    refs: await refsTold(place, commands),
  }
}

/** As they may stand in the audit: what would be found in a name is masked. */
async function refsTold({ scanners, known }: PushPlace, { updates }: Commands): Promise<readonly string[]> {
  const names = updates.slice(0, REFS_TOLD).map(({ ref }) => ref)
  try {
    return await scanners.masked(names, known())
  } catch (error) {
    if (error instanceof Doubt) return names.map(() => '****')
    throw error
  }
}

/** In the audit. */
const REFS_TOLD = 5
const RESULT = 'application/x-git-receive-pack-result'

function namesAllowed({ updates }: Commands, remote: GateRemote): readonly RefUpdate[] {
  const refused = controls.on('ref-language') ? judgeNames(updates, remote.push) : []
  return without(updates, refused)
}

/** One refused, all refused. */
function without(updates: readonly RefUpdate[], refused: readonly RefRefusal[]): readonly RefUpdate[] {
  if (refused.length === 0) return updates
  if (controls.on('whole-push')) throw new Refused(refused.slice(0, 20).map(refReason))
  const names = new Set(refused.map(({ ref }) => ref))
  return updates.filter(({ ref }) => !names.has(ref))
}

async function takeIn(place: PushPlace, reader: PktReader, signal: AbortSignal): Promise<Quarantine> {
  const { mirror, folder, limits } = place
  if (!mirror.exists) await mirror.refresh()
  const maxPack = place.remote().maxPack ?? limits.pack
  const quarantine = await Quarantine.open(folder, mirror.path)
  try {
    let length = 0
    const next = async (): Promise<Buffer | undefined> => {
      const piece = await reader.rest()
      length += piece?.length ?? 0
      if (length > maxPack && controls.on('sizes'))
        throw new Refused([reason('pack-too-large', `max_pack of this remote is ${maxPack} bytes.`)])
      return piece
    }
    const why = await quarantine.take(next, maxPack, signal)
    if (why !== undefined) throw new Refused([packReason(why)])
    return quarantine
  } catch (error) {
    await quarantine.close()
    throw error
  }
}

function packReason(stderr: string): Reason {
  const lines = stderr
    .split('\n')
    .filter((line) => /^(?:fatal|error): /.test(line))
    .slice(0, 5)
  return {
    rule: 'objects-refused',
    lines: [
      ...lines.map((line) => safeText(line, 300)),
      'Objects that git itself calls malformed, that refer to missing ones, or that are too large are not taken.',
    ],
    short: 'malformed objects',
  }
}

interface Passing {
  readonly updates: readonly RefUpdate[]
  readonly run: GitRun
  readonly quarantine: Quarantine | undefined
  readonly signal: AbortSignal
}

/** Under the lock. Returns the rules that were broken and let go on. */
async function passOn(place: PushPlace, passing: Passing, progress: Progress): Promise<readonly string[]> {
  const { run, quarantine, signal } = passing
  const remote = place.remote()
  const facts = await place.mirror.recent(place.limits.freshMs)
  const looking = { ...run, signal }
  const updates = await factsAllowed(passing.updates, facts, remote, looking)
  const tips = updates.flatMap(({ to }) => (to === undefined ? [] : [to]))
  const [warnings, flagged] = await Promise.all([
    tips.length === 0 ? [] : lookAt(place, remote, looking, updates, tips),
    controls.on('flag-paths') ? flaggedPaths(looking, tips, remote.push.flag) : [],
  ])
  for (const path of flagged) await progress.say(`bot-bottle: flagged path ${safeText(path, 200)}\n`)
  for (const { rule, lines } of warnings)
    for (const line of lines) await progress.say(`bot-bottle: warning [${rule}] ${line}\n`)
  if (signal.aborted) throw new Doubt('the client has gone')
  unchanged(remote, place.remote(), updates)
  // From here on the client is not asked any more: what the upstream has begun to take is carried through.
  const { refused, said } = await pushUpstream(place.link(), run, updates, facts)
  for (const line of said) await progress.say(`upstream: ${line}\n`)
  if (refused !== undefined) throw new Refused(refused)
  await follow(place, quarantine, updates)
  return [...(flagged.length > 0 ? ['path-flagged'] : []), ...warnings.map(({ rule }) => rule)]
}

/** What the manifest took away while the push came in and was looked at is not passed on by it. */
function unchanged(judged: GateRemote, now: GateRemote, updates: readonly RefUpdate[]): void {
  without(updates, controls.on('ref-language') ? judgeNames(updates, now.push) : [])
  if (!equal(judged, now))
    throw new Refused([reason('stale', 'What this remote allows was changed meanwhile. Push again.')])
}

async function factsAllowed(
  updates: readonly RefUpdate[],
  facts: RefFacts,
  { push }: GateRemote,
  run: GitRun,
): Promise<readonly RefUpdate[]> {
  const follows = async (older: string, newer: string): Promise<boolean> =>
    (await git(['merge-base', '--is-ancestor', older, newer], run, { ok: [0, 1] })).code === 0
  const refused = controls.on('ref-facts') ? await judgeFacts(updates, facts, push, follows) : []
  return without(updates, refused)
}

/** Throws Refused, and Doubt where nobody can say; returns what is only warned of. */
async function lookAt(
  place: PushPlace,
  remote: GateRemote,
  run: GitRun & { readonly signal: AbortSignal },
  updates: readonly RefUpdate[],
  tips: readonly string[],
): Promise<readonly Reason[]> {
  const { push, requireIdentity } = remote
  const maxFile = remote.maxFile ?? place.limits.file
  const job: Job = {
    repository: run.repository,
    env: run.env ?? {},
    tips,
    names: updates.map(({ ref }) => ref),
    scans: push.scan !== 'off' && controls.on('scan'),
    maxFile,
    identity: requireIdentity,
    known: place.known(),
    switchedOff: controls.switchedOff,
  }
  const { large, strangers, found, count } = await place.scanners.look(job, run.signal)
  const refused: Reason[] = []
  if (large.length > 0) refused.push(largeReason(large, maxFile))
  if (strangers.length > 0 && requireIdentity !== undefined)
    refused.push(strangerReason(strangers, requireIdentity))
  const findings = count === 0 ? [] : [foundReason(found, count, await commitsOf(run, found, tips))]
  if (push.scan !== 'warn') refused.push(...findings)
  if (refused.length > 0) throw new Refused(refused)
  return findings
}

/** The mirror is told what the upstream has taken; if it cannot follow, the next refresh does. */
async function follow(
  { mirror }: PushPlace,
  quarantine: Quarantine | undefined,
  updates: readonly RefUpdate[],
): Promise<void> {
  try {
    await quarantine?.giveToMirror()
    await mirror.adopt(new Map(updates.map(({ ref, to }) => [ref, to])))
  } catch (error) {
    if (!(error instanceof Error)) throw error
  }
}

function reasonsOf(error: unknown): readonly Reason[] {
  if (error instanceof Refused) return error.reasons
  if (error instanceof UpstreamFailed) return [reason(error.trouble.rule, error.trouble.message)]
  if (error instanceof Doubt || error instanceof GitFailed)
    return [reason('not-looked-at', `${safeText(error.message, 200)}, so that nobody can say what it holds.`)]
  throw error
}

/** A client sends all before it reads: what is refused early is read and dropped. */
async function drain(reader: PktReader, place: PushPlace): Promise<void> {
  const limit = place.remote().maxPack ?? place.limits.pack
  let length = 0
  for (let piece = await reader.rest(); piece !== undefined; piece = await reader.rest()) {
    length += piece.length
    if (length > limit * 2) throw new Doubt('a refused push has no end')
  }
}

function shortFor(reasons: readonly Reason[], { updates }: Commands): (ref: string) => string {
  const first = reasons[0]?.short ?? 'refused'
  const named = new Map(
    updates.map(({ ref }) => [ref, reasons.find(({ lines }) => lines[0]?.startsWith(`${ref} `))?.short]),
  )
  return (ref) =>
    `bot-bottle: ${named.get(ref) ?? (updates.length > 1 ? `whole push refused (${first})` : first)}`
}
