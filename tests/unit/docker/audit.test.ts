import { describe, expect, test } from 'vitest'
import { auditLineOf, auditThread } from '../../../src/drivers/docker/audit.ts'
import type { AuditLine, AuditRow, AuditSources } from '../../../src/drivers/docker/audit.ts'

const at = (seq: number): string => new Date(Date.UTC(2026, 0, 1) + seq * 1000).toISOString()
const lines = (life: string, from: number, to: number): readonly AuditLine[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => ({
    life,
    seq: from + index,
    row: { at: at(from + index), rule: `${life}${from + index}` },
  }))
async function* told(all: readonly AuditLine[]): AsyncGenerator<AuditLine> {
  yield* all
}
const words = (row: AuditRow): unknown => ('lost' in row ? `lost ${String(row['lost'])}` : row['rule'])
const names = (life: string, from: number, to: number): readonly unknown[] =>
  lines(life, from, to).map(({ row }) => words(row))

/** Rounds of what an engine kept and what a supervisor said, one after each loss of the connection. */
function sourcesOf(
  ...rounds: readonly { readonly kept: readonly AuditLine[]; readonly live?: readonly AuditLine[] }[]
): AuditSources {
  let round = 0
  return {
    kept: () => told(rounds[round]?.kept ?? []),
    live: async () => {
      const { live } = rounds[round] ?? {}
      return live && told(live)
    },
    again: async () => ++round < rounds.length,
  }
}

async function read(
  sources: AuditSources,
  options: Partial<Parameters<typeof auditThread>[1]> = {},
): Promise<readonly unknown[]> {
  const rows: unknown[] = []
  for await (const row of auditThread(sources, { follow: false, ...options })) rows.push(words(row))
  return rows
}

describe('the audit as one thread', () => {
  test('goes on from what the engine kept to what only the supervisor has, no line twice', async () => {
    const sources = sourcesOf({ kept: lines('a', 4, 9), live: lines('a', 6, 12) })
    expect(await read(sources)).toEqual(names('a', 4, 12))
  })

  test('is what the engine kept where nothing runs', async () => {
    expect(await read(sourcesOf({ kept: lines('a', 1, 3) }))).toEqual(names('a', 1, 3))
  })

  test('has the lives of a supervisor one after the other, each counted from its beginning', async () => {
    const kept = [...lines('a', 7, 9), ...lines('b', 1, 2)]
    expect(await read(sourcesOf({ kept, live: lines('b', 1, 4) }))).toEqual([
      ...names('a', 7, 9),
      ...names('b', 1, 4),
    ])
  })

  test('says how many lines are missing where some are, and not at its own beginning', async () => {
    const kept = [...lines('a', 100, 101), ...lines('a', 105, 106), ...lines('b', 3, 3)]
    expect(await read(sourcesOf({ kept }))).toEqual([
      ...names('a', 100, 101),
      'lost 3',
      ...names('a', 105, 106),
      'lost 2',
      'b3',
    ])
  })

  test('goes on where it was when the connection was lost, from the pieces the engine has then', async () => {
    const sources = sourcesOf(
      { kept: lines('a', 1, 3), live: lines('a', 2, 5) },
      // The first pieces were rotated away meanwhile, and the bundle was made anew.
      { kept: [...lines('a', 5, 9), ...lines('b', 1, 1)], live: lines('b', 1, 3) },
    )
    expect(await read(sources, { follow: true })).toEqual([...names('a', 1, 9), ...names('b', 1, 3)])
  })

  test('is cut to its last lines, over both sources; followed, further ones are not counted', async () => {
    const sources = () => sourcesOf({ kept: lines('a', 1, 8), live: lines('a', 5, 10) })
    expect(await read(sources(), { tail: 3 })).toEqual(names('a', 8, 10))
    expect(await read(sources(), { tail: 0 })).toEqual([])
    expect(await read(sources(), { tail: 2, follow: true })).toEqual(names('a', 7, 10))
  })

  test('begins at a time', async () => {
    const sources = sourcesOf({ kept: lines('a', 1, 4), live: lines('a', 1, 6) })
    expect(await read(sources, { since: at(3) })).toEqual(names('a', 3, 6))
  })

  test('holds whatever the engine has written by then and whenever the connection is lost', async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = randomFrom(seed)
      expect([seed, ...(await read(rotating(random, 60), { follow: true }))]).toEqual([
        seed,
        ...names('a', 1, 60),
      ])
    }
  })
})

/** An engine that is behind, and keeps a part; a supervisor that repeats its last lines; a connection that is lost at any time. */
function rotating(random: (below: number) => number, last: number): AuditSources {
  const [behind, repeated, kept] = [4, 10, 30]
  let said = 0
  let read = 0
  const upTo = (seq: number): number => Math.min(last, seq)
  return {
    live: async () => {
      const from = Math.max(1, said - repeated + 1)
      const now = said
      return (async function* () {
        // Written while the engine was read, and after; then the connection is lost.
        said = upTo(Math.max(now, read) + random(12))
        yield* lines('a', from, said)
      })()
    },
    kept: () => {
      const present = said
      said = upTo(said + random(8))
      read = Math.max(0, present - random(behind))
      return told(lines('a', Math.max(1, read - kept + 1), read))
    },
    again: async () => {
      const done = said >= last && read >= last
      said = upTo(said + random(15))
      return !done
    },
  }
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

describe('a line', () => {
  const row = {
    at: at(1),
    decision: 'deny',
    rule: 'host-undeclared',
    host: 'a.test',
    port: 443,
    generation: 1,
  }

  test('is the same from the engine and from the supervisor', () => {
    const said = { ...row, life: 'x', seq: 3 }
    const printed = {
      level: 30,
      time: at(2),
      sidecar: 'supervisor',
      daemon: 'egress',
      ...said,
      event: 'audit',
    }
    expect(auditLineOf(said, 'egress')).toEqual({ life: 'x', seq: 3, row })
    expect(auditLineOf(printed, 'egress')).toEqual(auditLineOf(said, 'egress'))
  })

  test('is of the daemon that is asked for', () => {
    const printed = { ...row, life: 'x', seq: 1, daemon: 'git-gate' }
    expect(auditLineOf(printed, 'git-gate')).toEqual({ life: 'x', seq: 1, row })
    expect(auditLineOf(printed, 'egress')).toBeUndefined()
  })

  test.each([
    ['without an order', row],
    ['that is no object', 'text'],
    ['that is the end of an empty answer', null],
  ])('%s is none', (_, value) => {
    expect(auditLineOf(value, 'egress')).toBeUndefined()
  })
})
