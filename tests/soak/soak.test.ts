/**
 * The door under half a load for a long time: resets, slow peers, a policy and every few seconds a secret that change
 * under what is open. No client sees an error that it would not have seen without us, nothing that is refused is
 * served, no value of a secret comes back, and neither process keeps memory or descriptors.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { seeded } from '../../sidecars/detect/samples.ts'
import type { RoutePolicy } from '../../src/model/policy.ts'
import { openDoor } from '../door/door.ts'
import type { Door } from '../door/door.ts'
import { route } from '../unit/egress/lab.ts'
import { CALLS, gateWords, newAgent } from './calls.ts'
import type { Call, Gate, Surroundings } from './calls.ts'
import { anonymous, descriptors, median, processorTime } from './process.ts'
import { soakUpstream } from './upstream.ts'

const long = process.env['BOT_BOTTLE_LONG'] === '1'
const SECONDS = Number(process.env['BOT_BOTTLE_SOAK_SECONDS'] ?? (long ? 1800 : 60))
const SEED = process.env['BOT_BOTTLE_SEED'] ?? (long ? String(Date.now()) : '1')
const CLIENTS = 12
/** Longest pause of a client between two calls, milliseconds: about half of what two processors carry. */
const PAUSE = 120
/** Seconds between two secrets. */
const ROTATION = 5
/** Secrets that answers are searched for: the latest ones, longer than any call takes. */
const REMEMBERED = 40
/** What a process may grow by from the second third of the time to the last, MiB and share. */
const GROWTH = { mib: 24, share: 1.25 }

const SOAK = route({
  host: 'soak.test',
  matches: [{ methods: ['GET', 'POST'] }],
  deny: [{ paths: [{ prefix: '/denied' }] }],
  auth: { scheme: 'bearer', secret: 'env:TOKEN' },
  protocols: ['websocket'],
})
const GATE = route({ host: 'gate.test' })

const chosen = CALLS.flatMap(([name, share, call]) =>
  Array.from({ length: share }, () => [name, call] as const),
)

let door: Door | undefined
afterEach(async () => await door?.close())

it(
  '(PXY-34, CRD-07) the door stays as it was under a long load',
  { timeout: SECONDS * 2000 + 120_000 },
  async () => {
    process.stdout.write(`soak: ${SECONDS} s, seed ${SEED}\n`)
    const violations: string[] = []
    const violation = (what: string): void => void (violations.length < 20 && violations.push(what))
    const secrets = [randomBytes(20).toString('hex')]
    let rotations = 0
    let confirmed = secrets[0] ?? ''
    /** The earlier ones stay secrets for a while: what is asked with one may be judged after the next has come. */
    const held = (): Readonly<Record<string, string>> =>
      Object.fromEntries(
        secrets
          .slice(-4)
          .toReversed()
          .map((value, age) => [age === 0 ? 'env:TOKEN' : `env:EARLIER-${age}`, value]),
      )
    let gate: Gate = { state: 'open', generation: 0 }
    const turn = (state: typeof gate.state): void => void (gate = { state, generation: gate.generation + 1 })
    const gateUpstream = soakUpstream(violation)
    const opened = await openDoor({
      upstreams: {
        'soak.test': soakUpstream(violation),
        'gate.test': {
          request(request, response) {
            if (gate.state === 'closed' && request.url?.includes(gateWords(gate)) === true)
              violation('a request for a route that had been closed before it was asked')
            gateUpstream.request(request, response)
          },
        },
      },
      routes: [SOAK, GATE],
      secrets: held(),
    })
    door = opened
    const around: Surroundings = {
      proxy: opened.proxy,
      root: opened.root,
      random: seeded(SEED),
      secret: () => confirmed,
      leaks: (text) => secrets.some((value) => text.includes(value)),
      gate: () => gate,
    }
    const pids = Object.entries(opened.pids)
    const atFirst = new Map(pids.map(([name, pid]) => [name, descriptors(pid)]))
    const [began, until] = [performance.now(), performance.now() + SECONDS * 1000]
    const isOver = (): boolean => performance.now() >= until || violations.length > 0
    const memory = new Map<string, number[]>(pids.map(([name]) => [name, []]))
    const counts: Record<string, number> = {}

    const client = async (): Promise<void> => {
      let agent = newAgent(around)
      while (!isOver()) {
        const [name, call] = chosen[around.random(chosen.length)] as readonly [string, Call]
        counts[name] = (counts[name] ?? 0) + 1
        const found = await call(around, agent)
        if (found !== undefined) violation(`${name}: ${found}`)
        if (around.random(50) === 0) {
          agent.destroy()
          agent = newAgent(around)
        }
        await wait(around.random(PAUSE))
      }
      agent.destroy()
    }

    /** A configuration each second: the gate opens or closes, now and then with another secret. */
    const operator = async (): Promise<void> => {
      for (let second = 1; !isOver(); second++) {
        if (second % ROTATION === 0) {
          secrets.push(randomBytes(20).toString('hex'))
          rotations += 1
        }
        if (secrets.length > REMEMBERED) secrets.shift()
        const opens = second % 2 === 0
        turn('changing')
        const routes: readonly RoutePolicy[] = opens ? [SOAK, GATE] : [SOAK]
        await opened.configure(routes, held())
        confirmed = secrets.at(-1) ?? ''
        turn(opens ? 'open' : 'closed')
        for (const [name, pid] of pids) memory.get(name)?.push(anonymous(pid))
        await wait(1000)
      }
    }

    await Promise.all([operator(), ...Array.from({ length: CLIENTS }, client)])
    const busy = pids.map(([name, pid]) => [name, processorTime(pid) / ((performance.now() - began) / 1000)])
    const thirds = [...memory].map(([name, values]) => {
      const third = Math.floor(values.length / 3)
      return { name, second: median(values.slice(third, 2 * third)), last: median(values.slice(2 * third)) }
    })
    process.stdout.write(`soak: ${JSON.stringify({ counts, memory: thirds, processors: busy, rotations })}\n`)

    expect(violations).toEqual([])
    await expect.poll(async () => (await opened.status()).connections, { timeout: 30_000 }).toBe(0)
    // Without a route no connection to an upstream is kept either.
    await opened.configure([])
    for (const [name, pid] of pids)
      await expect
        .poll(() => descriptors(pid), { timeout: 60_000 })
        .toBeLessThanOrEqual((atFirst.get(name) ?? 0) + 2)
    for (const { name, second, last } of thirds)
      expect(last, `${name} grows`).toBeLessThan(second * GROWTH.share + GROWTH.mib)
  },
)
