/**
 * Nobody behind the door reads what went through it in another way than the door did: what is passed on is exactly one
 * request for three other parsers, with the same authority, method, target and body; and what they read in the bytes
 * that the agent sent is what we read. Where we refuse there is nothing to prove.
 */
import { describe, expect, it } from 'vitest'
import { endOfRequest } from './lab.ts'
import { corpus } from './parsers-corpus.ts'
import type { Specimen } from './parsers-corpus.ts'
import { openDoor, ours } from './parsers-ours.ts'
import type { OurRead } from './parsers-ours.ts'
import { READERS } from './parsers-readers.ts'
import type { Reader, ReadRequest } from './parsers-readers.ts'

const long = process.env['BOT_BOTTLE_LONG'] === '1'
const SEED = process.env['BOT_BOTTLE_SEED'] ?? (long ? String(Date.now()) : 'smuggling')
const COUNT = long ? 100_000 : 12_000

interface Case {
  readonly specimen: Specimen
  readonly reads: readonly OurRead[]
  /** Of `reads`, what went out: through the whole door where it is one without TLS, else as it is rendered. */
  readonly passed: readonly string[]
  /** What had gone out, if anything, of a request that we refused in its body. */
  readonly cut: readonly string[]
  readonly dialled: readonly string[]
}

async function pass(specimens: readonly Specimen[]): Promise<readonly Case[]> {
  const door = openDoor()
  const cases: Case[] = []
  for (const specimen of specimens) {
    const reads = await ours([Buffer.from(specimen.text, 'latin1')], specimen.door)
    if (specimen.door === 'tunnel') {
      cases.push({ specimen, reads, passed: reads.map(({ rendered }) => rendered), cut: [], dialled: [] })
      continue
    }
    const connections = await door.pass(specimen)
    const texts = connections.map(({ text }) => text)
    const passed = texts.filter((text) => endOfRequest(text) !== -1)
    const dialled = connections.map((connection) => connection.dialled)
    cases.push({ specimen, reads, passed, cut: texts.slice(passed.length), dialled })
  }
  door.close()
  return cases
}

// ── comparison ───────────────────────────────────────────────────────────────────────────────────

/** What the port of a door goes without saying. */
const portOf = ({ door }: Specimen): number => (door === 'tunnel' ? 443 : 80)

/** Of a target that we take, what goes on: no authority, and an empty query is none. */
const originOf = (target: string): string => {
  const rest = target.replace(/^http:\/\/[^/?]*/i, '').replace(/^([^?]*)\?$/, '$1')
  return rest.startsWith('/') ? rest : `/${rest}`
}

const meaningOf = ({ method, target, authority, body }: OurRead): string =>
  JSON.stringify([method, originOf(target), authority, body])

const theirMeaningOf = ({ method, target, authority, body }: ReadRequest, port: number): string =>
  JSON.stringify([method, originOf(target), authority?.replace(/:0$/, `:${port}`), body])

/** What is passed on and is not the one request for this reader that it is for us. */
async function changed(cases: readonly Case[], { read }: Reader): Promise<readonly object[]> {
  const all = cases.flatMap(({ specimen, reads, passed }) =>
    passed.map((text, at) => ({ specimen, text, meant: reads[at] && meaningOf(reads[at]) })),
  )
  const readings = await read(all.map(({ text }) => text))
  return all.flatMap(({ specimen, text, meant }, at) => {
    const { whole, requests } = readings[at] ?? { whole: false, requests: [] }
    const [only] = requests
    const same =
      whole &&
      requests.length === 1 &&
      only?.hosts.length === 1 &&
      only.target === originOf(only.target) &&
      theirMeaningOf(only, portOf(specimen)) === meant
    return same ? [] : [{ seed: SEED, specimen, text, meant, requests, whole }]
  })
}

/** What this reader reads in the agent's own bytes where we read something else. */
async function ambiguous(cases: readonly Case[], { read }: Reader): Promise<readonly object[]> {
  const readings = await read(cases.map(({ specimen }) => specimen.text))
  return cases.flatMap(({ specimen, reads }, at) => {
    const theirs = (readings[at]?.requests ?? []).map((request) => theirMeaningOf(request, portOf(specimen)))
    const our = reads.slice(0, theirs.length).map(meaningOf)
    const same = our.every((meaning, index) => meaning === theirs[index])
    return same ? [] : [{ seed: SEED, specimen, our, theirs }]
  })
}

// ── the proof ────────────────────────────────────────────────────────────────────────────────────

process.stdout.write(`requests for four parsers: ${COUNT}, seed ${SEED}\n`)
const cases = await pass(corpus(SEED, COUNT))

it('(PXY-35) the corpus has enough of what we pass on, cut and refuse, and nothing else is dialled', () => {
  const passed = cases.flatMap((one) => one.passed).length
  const refused = cases.filter(({ reads }) => reads.length === 0).length
  const withBody = cases.flatMap(({ reads }) => reads).filter(({ body }) => body !== '').length
  const cut = cases.flatMap((one) => one.cut).filter((text) => text !== '').length
  expect(Math.min(passed, refused, withBody * 2, cut * 200)).toBeGreaterThan(COUNT / 5)
  const stray = cases.filter(({ reads, dialled }) =>
    dialled.some((authority, at) => authority !== (reads[at]?.authority ?? 'allowed.test:80')),
  )
  expect(stray).toEqual([])
})

describe.each(READERS)('$name', { timeout: 600_000 }, (reader) => {
  const { name, missing } = reader
  if (missing !== undefined) process.stdout.write(`requests as ${name} reads them: skipped, ${missing}\n`)
  it.skipIf(missing !== undefined)(
    '(PXY-13, PXY-35) reads what we pass on as one request, the one that we judged',
    async () => {
      expect(await changed(cases, reader)).toEqual([])
    },
  )

  it.skipIf(missing !== undefined)(
    '(PXY-35) reads no request in what went out before we refused the rest',
    async () => {
      const cut = cases.flatMap((one) => one.cut)
      const readings = await reader.read(cut)
      expect(cut.filter((_text, at) => readings[at]?.requests.length !== 0)).toEqual([])
    },
  )

  it.skipIf(missing !== undefined)(
    '(PXY-13, PXY-35) reads in what the agent sent what we read, or refuses',
    async () => {
      expect(await ambiguous(cases, reader)).toEqual([])
    },
  )

  it.skipIf(missing !== undefined)('would tell of a hidden request, a lost byte, another host', async () => {
    const text = 'POST /a HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 3\r\n\r\nabc'
    const specimen = { door: 'http', text } as const
    const reads = await ours([Buffer.from(text)], 'http')
    const broken = [
      text,
      `${text}GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n`,
      text.slice(0, -1),
      `${text}d`,
      text.replace('allowed', 'other'),
      text.replace('Host', 'Host: allowed.test\r\nHost'),
      text.replace('/a', '/b'),
    ]
    const all = broken.map((one): Case => ({ specimen, reads, passed: [one], cut: [], dialled: [] }))
    expect(await changed(all, reader)).toMatchObject(broken.slice(1).map((one) => ({ text: one })))
    const other = await ours([Buffer.from(text.replace('abc', 'abd'))], 'http')
    expect(
      await ambiguous([{ specimen, reads: other, passed: [], cut: [], dialled: [] }], reader),
    ).toHaveLength(1)
  })
})
