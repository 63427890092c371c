/**
 * `npm run bench:egress`: our way out beside other proxies, in the same rounds, as two tables in Markdown. Needs no
 * engine; nothing here is asserted. `--quick`: two short rounds, `--rounds N`, `--only direct,nginx,ours`, `--json FILE`.
 */
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { goProgram } from '../../scripts/labs/peers.ts'
import { ordinary } from '../../tests/unit/detect/shapes-texts.ts'
import { emptyProgram, ratios, read } from '../measure.ts'
import { machine } from '../table.ts'
import { startGenerator } from './generator.ts'
import { FIRST, makeMaterial } from './material.ts'
import { startEgress, startUplink } from './ours/start.ts'
import { PEERS, startPeer } from './peers.ts'
import type { Peer, PeerName, Surroundings } from './peers.ts'
import { end, endAll, firstLine, memoryOf, start } from './process.ts'
import type { Measured } from './report.ts'
import { goalsTable, peersTable } from './report.ts'
import { EFFORT, measurePeer, usage } from './round.ts'
import type { Sample } from './round.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
})
const effort = values.quick === true ? EFFORT.quick : EFFORT.whole
const rounds = Number(values.rounds ?? (values.quick === true ? 2 : 5))
const wanted = PEERS.filter((name) => values.only?.split(',').includes(name) ?? true)
/** Small requests through each peer before anything is measured, milliseconds. */
const WARM_MS = 4000
/** Names each peer meets in a round. */
const FIRST_PER_ROUND = 10
const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`)

const folder = mkdtempSync(join(tmpdir(), 'bench-egress-'))
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    clean()
    process.exit(130)
  })
const began = performance.now()
try {
  const measured = await measure()
  const took = Math.round((performance.now() - began) / 1000)
  process.stdout.write(
    `\n${machine()}; ${rounds} rounds, ${took} s; medians within rounds (least–most)\n\n${peersTable(measured)}\n\n${goalsTable(measured)}\n`,
  )
  if (values.json !== undefined)
    writeFileSync(resolve(values.json), `${JSON.stringify({ machine: machine(), measured }, null, 2)}\n`)
} finally {
  clean()
}

function clean(): void {
  endAll()
  for (const made of [folder, ...globSync(`${folder}-*`)]) rmSync(made, { recursive: true, force: true })
}

async function measure(): Promise<Measured> {
  const material = makeMaterial(folder)
  const load = await goProgram(join(import.meta.dirname, 'load'))
  const originPort = Number(await firstLine(start([load, 'origin', ...material.files.origin])))
  // One list for all: no peer knows what another has met. The round before the first does not count.
  const hosts = Array.from({ length: (rounds + 1) * FIRST_PER_ROUND }, (_, index) => `n${index}.${FIRST}`)
  const body = join(folder, 'chat')
  writeFileSync(body, ordinary('chat with a model', 1 << 20))
  const around: Surroundings = { material, originPort, hosts, load }

  const scanning = await measureScanning()
  const started = await measureStart(around)
  const { peers, missing } = await startPeers(around)
  const idle = Object.fromEntries(peers.map((peer) => [peer.name, usage(peer, memoryOf)]))
  const samples = new Map<PeerName, Sample[]>(peers.map(({ name }) => [name, []]))
  const generator = startGenerator(load, material.files.root)
  // What is compiled while it runs is measured when it has been.
  for (const { way } of peers) {
    await generator.measure(way, { do: 'open', concurrency: 16 }).catch(() => undefined)
    await generator.measure(way, { do: 'requests', ms: WARM_MS }).catch(() => undefined)
  }
  for (let round = 0; round <= rounds; round++) {
    const met = hosts.slice(round * FIRST_PER_ROUND, (round + 1) * FIRST_PER_ROUND)
    for (const peer of peers) {
      if (missing[peer.name] !== undefined) continue
      const how = round === 0 ? EFFORT.quick : effort
      try {
        const once = (): Promise<Sample> => measurePeer(generator, peer, how, { hosts: met, body })
        // One connection that is reset is no reason to leave a peer out.
        const sample = await once().catch(once)
        if (round > 0) samples.get(peer.name)?.push(sample)
      } catch (error) {
        samples.delete(peer.name)
        missing[peer.name] = lacking(peer.name, error)
      }
    }
    say(`round ${round} of ${rounds}, ${Math.round((performance.now() - began) / 1000)} s`)
  }
  return { rounds: Object.fromEntries(samples), idle, missing, start: started, scanning }
}

async function startPeers(around: Surroundings): Promise<{
  readonly peers: readonly Peer[]
  readonly missing: Partial<Record<PeerName, string>>
}> {
  const peers: Peer[] = []
  const missing: Partial<Record<PeerName, string>> = {}
  for (const name of wanted) {
    try {
      peers.push(await startPeer(name, around))
    } catch (error) {
      missing[name] = lacking(name, error)
    }
  }
  return { peers, missing }
}

/** One line for the tables; all of it on standard error. */
function lacking(name: PeerName, error: unknown): string {
  const said = error instanceof Error ? error.message : String(error)
  say(`${name} cannot be measured: ${said}`)
  return said.split('\n', 1)[0] ?? ''
}

async function measureScanning(): Promise<Measured['scanning']> {
  const flags = ['--max-semi-space-size=1', '--no-warnings']
  const program = join(import.meta.dirname, 'scanning.ts')
  return JSON.parse(
    await read({ argv: [process.execPath, ...flags, program, values.quick === true ? '5' : '15'] }),
  ) as Measured['scanning']
}

/** A new egress in front of an uplink that stands, from its start to the answer to a first request. */
async function measureStart(around: Surroundings): Promise<readonly number[]> {
  const stack = mkdtempSync(join(folder, 'start-'))
  const uplink = await startUplink(around, stack)
  const generator = startGenerator(around.load, around.material.files.root)
  const [ours, empty]: [number[], number[]] = [[], []]
  for (let round = -1; round < rounds; round++) {
    const from = performance.now()
    const { child, port } = await startEgress(around, stack)
    const way = { address: `127.0.0.1:${port}`, connect: true, host: `n0.${FIRST}`, port: around.originPort }
    await generator.measure(way, { do: 'first', hosts: [`n0.${FIRST}`] })
    const took = performance.now() - from
    end(child)
    const node = await emptyProgram()
    if (round < 0) continue
    ours.push(took)
    empty.push(node)
  }
  end(generator.child)
  end(uplink)
  return ratios(ours, empty)
}
