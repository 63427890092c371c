/** What a git client does, through the gate and past it, in turn. */
import { symlinkSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { read, time } from '../measure.ts'
import { makeCommits } from './repository.ts'
import type { Plan } from './repository.ts'
import type { Row } from './report.ts'
import type { Gates, RunningGate, Upstream } from './start.ts'

export interface Around {
  readonly folder: string
  /** The large repository; nothing is written into it. */
  readonly base: string
  readonly upstream: Upstream
  readonly gates: Gates
}

type Way = 'direct' | 'gate'
const BOTH: readonly Way[] = ['direct', 'gate']
/** Who is first changes with the round. */
const inTurn = <T>(items: readonly T[], round: number): readonly T[] =>
  round % 2 === 0 ? items : items.toReversed()

const ENV = {
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
}

/** A repository of its own on the objects of another. */
export async function shared(path: string, base: string): Promise<string> {
  await read({ argv: ['git', 'clone', '-q', '--bare', '--shared', base, path], env: ENV })
  return path
}

export const gateUrl = ({ port }: RunningGate, name: string): string => `http://127.0.0.1:${port}/${name}.git`

const directUrl = ({ sshd }: Upstream, path: string): string =>
  `ssh://${sshd.user}@127.0.0.1:${sshd.port}${path}`

const git = (args: readonly string[], { ssh }: Upstream, cwd?: string): Promise<number> =>
  time({ argv: ['git', ...args], env: { ...ENV, GIT_SSH_COMMAND: ssh }, ...(cwd !== undefined && { cwd }) })

/** Clones begin within this time. */
const CLONES_MS = 60_000
/** What a mirror takes at most until it is in order, milliseconds. */
const ORDER_MS = 90_000

/** Once the gate has put its mirrors in order, which it does when nothing changes them. */
async function inOrder(work: string): Promise<void> {
  const isThere = (): boolean =>
    readdirSync(work, { recursive: true }).some((name) => String(name).endsWith('.bitmap'))
  for (const began = performance.now(); !isThere() && performance.now() - began < ORDER_MS;) await pause(250)
}

/** Bare: a working tree is the same work by every way. */
export async function measureClones(
  { folder, base, upstream, gates }: Around,
  rounds: number,
): Promise<Row[]> {
  const gate = await gates.start()
  await gate.configure({ warm: base })
  const into = join(folder, 'clone.git')
  const clone = async (url: string): Promise<number> => {
    const took = await git(['clone', '-q', '--bare', url, into], upstream)
    rmSync(into, { recursive: true })
    return took
  }
  await git(['ls-remote', '-q', gateUrl(gate, 'warm')], upstream)
  await inOrder(gate.work)
  const cold = async (round: number): Promise<number> => {
    const path = join(folder, `cold-${round}.git`)
    symlinkSync(base, path)
    await gate.configure({ warm: base, cold: path })
    try {
      return await clone(gateUrl(gate, 'cold'))
    } finally {
      await gate.configure({ warm: base })
    }
  }
  const times = { direct: [] as number[], warm: [] as number[], cold: [] as number[] }
  const began = performance.now()
  // A busy machine gets fewer rounds, not hours.
  for (let round = 0; round < rounds && (round === 0 || performance.now() - began < CLONES_MS); round++)
    for (const way of inTurn(['direct', 'warm', 'cold'] as const, round))
      times[way].push(
        way === 'cold'
          ? await cold(round)
          : await clone(way === 'warm' ? gateUrl(gate, 'warm') : directUrl(upstream, base)),
      )
  gate.child.disconnect()
  const { direct } = times
  return [
    { what: 'clone, mirror warm', direct, gate: times.warm, goal: { kind: 'times', most: 1.15 } },
    { what: 'clone, mirror cold', direct, gate: times.cold, goal: { kind: 'times', most: 2.2 } },
  ]
}

/** One remote that agents push to, its clone beside it, a mirror that is there. */
async function workshop(
  around: Around,
  name: string,
): Promise<{
  readonly up: string
  readonly agent: string
  readonly gate: RunningGate
  readonly urls: Readonly<Record<Way, string>>
}> {
  const { folder, base, upstream, gates } = around
  const up = await shared(join(folder, `${name}-up.git`), base)
  const agent = await shared(join(folder, `${name}-agent.git`), base)
  const gate = await gates.start()
  await gate.configure({ origin: up })
  const urls = { direct: directUrl(upstream, up), gate: gateUrl(gate, 'origin') }
  await git(['ls-remote', '-q', urls.gate], upstream)
  return { up, agent, gate, urls }
}

export async function measureFetches(around: Around, rounds: number): Promise<Row[]> {
  const { agent, gate, urls } = await workshop(around, 'fetch')
  const times = { direct: [] as number[], gate: [] as number[] }
  for (let round = -1; round < rounds; round++)
    for (const way of inTurn(BOTH, round)) {
      const took = await git(
        ['fetch', '-q', urls[way], '+refs/heads/*:refs/remotes/origin/*'],
        around.upstream,
        agent,
      )
      if (round >= 0) times[way].push(took)
    }
  gate.child.disconnect()
  return [{ what: 'fetch, nothing new', ...times, goal: { kind: 'added', most: 60 } }]
}

export async function measurePush(around: Around, rounds: number): Promise<Row[]> {
  const { agent, gate, urls } = await workshop(around, 'push')
  const times = { direct: [] as number[], gate: [] as number[] }
  for (let round = -1; round < rounds; round++)
    for (const way of inTurn(BOTH, round)) {
      const branch = `refs/heads/agent/${way}-${round}`
      const plan = { seed: branch, branch, from: 'refs/heads/main^0', commits: 1, bytes: 12_000, size: 4000 }
      await makeCommits(agent, plan)
      const took = await git(['push', '-q', urls[way], branch], around.upstream, agent)
      if (round >= 0) times[way].push(took)
    }
  gate.child.disconnect()
  return [{ what: 'push of one commit, scanned', ...times, goal: { kind: 'added', most: 150 } }]
}

/** The same commits by both ways; what the upstream has taken is taken from it again. */
export async function measurePushes(
  around: Around,
  rounds: number,
  plan: Pick<Plan, 'commits' | 'bytes' | 'size'>,
): Promise<Row[]> {
  const { up, agent, gate, urls } = await workshop(around, 'pushes')
  const times = { direct: [] as number[], gate: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const branch = `refs/heads/agent/many-${round}`
    await makeCommits(agent, { seed: branch, branch, from: 'refs/heads/main^0', ...plan })
    for (const way of inTurn(BOTH, round)) {
      times[way].push(await git(['push', '-q', urls[way], branch], around.upstream, agent))
      await read({ argv: ['git', 'update-ref', '-d', branch], cwd: up })
      const packs = join(up, 'objects', 'pack')
      for (const file of readdirSync(packs)) rmSync(join(packs, file), { force: true })
    }
  }
  gate.child.disconnect()
  const what = `push of ${plan.commits} commits, ${(plan.bytes / 1e6).toFixed(0)} MB of files, scanned`
  return [{ what, ...times, goal: { kind: 'added', most: 3000 } }]
}
