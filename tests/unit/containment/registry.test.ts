import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AGENT_MUTANTS, FURTHER_AGENT_MUTANTS } from '../../engine/agents/mutants.ts'
import { containerCases } from '../../engine/containment/cases/container.ts'
import { networkCases } from '../../engine/containment/cases/network.ts'
import { MUTATIONS } from '../../engine/containment/controls.ts'
import { ENGINE_MUTANTS } from '../../engine/containment/mutants.ts'
import { authorityCases } from '../egress/cases/authority.ts'
import { credentialCases } from '../egress/cases/credentials.ts'
import { dlpCases } from '../egress/cases/dlp.ts'
import { framingCases } from '../egress/cases/framing.ts'
import { lifeCases } from '../egress/cases/life.ts'
import { markCases } from '../egress/cases/marks.ts'
import { nameCases } from '../egress/cases/names.ts'
import { inboundCases } from '../egress/cases/inbound.ts'
import { webSocketCases } from '../egress/cases/websocket.ts'
import { pushingCases } from '../gate/cases/pushing.ts'
import { scanningCases } from '../gate/cases/scanning.ts'
import { servingCases } from '../gate/cases/serving.ts'
import { CASES as SUPERVISOR } from '../supervisor/cases.ts'
import { CASES as UPLINK } from '../uplink/cases.ts'
import { LEFT_OUT, ROWS, type Row } from './cases.ts'
import { UNIT_MUTANTS } from './mutants/list.ts'
import { staleEdits } from './mutants/mutant.ts'

const tests = join(import.meta.dirname, '../..')
const ID = /\[([A-Z]{2,3}-\d+)\]/g

interface Named {
  readonly suite: string
  readonly ids: readonly string[]
  readonly controls: readonly string[]
}

const MUTANTS = [...UNIT_MUTANTS, ...ENGINE_MUTANTS, ...AGENT_MUTANTS, ...FURTHER_AGENT_MUTANTS]

/** Cases that are data; the suite that runs them puts their ids into its test names. */
const named: readonly Named[] = [
  ...[...networkCases, ...containerCases].map(({ ids, controls }) => ({
    suite: 'engine/containment/boundary.test.ts',
    ids,
    controls,
  })),
  ...[
    ...authorityCases,
    ...framingCases,
    ...credentialCases,
    ...dlpCases,
    ...markCases,
    ...nameCases,
    ...inboundCases,
    ...lifeCases,
    ...webSocketCases,
  ].map(({ ids, control }) => ({
    suite: 'unit/egress/cases.test.ts',
    ids,
    controls: control === undefined ? [] : [control],
  })),
  ...[...servingCases, ...pushingCases, ...scanningCases].map(({ ids, control }) => ({
    suite: 'unit/gate/cases.test.ts',
    ids,
    controls: control === undefined ? [] : [control],
  })),
  ...UPLINK.map(({ name, controls }) => ({
    suite: 'unit/uplink/containment.test.ts',
    ids: idsIn(name),
    controls,
  })),
  ...SUPERVISOR.map(({ name, controls }) => ({
    suite: 'unit/supervisor/supervisor.test.ts',
    ids: idsIn(name),
    controls,
  })),
]

function idsIn(text: string): readonly string[] {
  return [...text.matchAll(ID)].map(([, id]) => id ?? '')
}

/** Suites by id: ids in the text of test files, and in the cases that they run. */
function claims(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  const add = (id: string, suite: string) => void found.set(id, (found.get(id) ?? new Set()).add(suite))
  const files = readdirSync(tests, { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith('.test.ts') && entry.parentPath !== import.meta.dirname,
    )
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files) for (const id of idsIn(readFileSync(file, 'utf8'))) add(id, relative(tests, file))
  for (const { suite, ids } of named) for (const id of ids) add(id, suite)
  return found
}

describe('the list of containment cases', () => {
  it('has each id once, and no priority-0 case that names nothing', () => {
    const ids = ROWS.map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
    const bare = ROWS.filter(
      ({ priority, control, design, notHere }) =>
        priority === 'P0' && control === undefined && design === undefined && notHere === undefined,
    )
    expect(bare).toEqual([])
    for (const id of Object.keys(LEFT_OUT))
      expect(ROWS.find((row) => row.id === id)?.claimedBy, id).toBeDefined()
    for (const { id, claimedBy, notHere } of ROWS)
      expect([id, (claimedBy === undefined) !== (notHere === undefined)]).toEqual([id, true])
  })

  it('is proven by exactly one suite for each id, and no suite claims another', () => {
    const found = claims()
    const wrong = ROWS.flatMap(({ id, claimedBy }) => {
      const suites = [...(found.get(id) ?? [])]
      return claimedBy === undefined
        ? suites.map((suite) => `${id} is not here, and claimed by ${suite}`)
        : suites.length === 1 && suites[0] === claimedBy
          ? []
          : [`${id} belongs to ${claimedBy}, claimed by ${suites.join(', ') || 'nobody'}`]
    })
    expect(wrong).toEqual([])
    const known = new Set(ROWS.map(({ id }) => id))
    expect(
      [...found.keys()].filter((id) => !known.has(id)),
      'ids that are not in the design',
    ).toEqual([])
  })

  it('names only controls that a case of the same id is shown to need', () => {
    const isSwitched = ({ id, claimedBy, control = '' }: Row) =>
      named.some(
        ({ suite, ids, controls }) => suite === claimedBy && ids.includes(id) && controls.includes(control),
      )
    const isMutated = ({ id, control }: Row) =>
      MUTANTS.some((mutant) => mutant.control === control && mutant.ids.includes(id))
    const wrong = ROWS.filter((row) => row.control !== undefined && !isSwitched(row) && !isMutated(row))
    expect(wrong).toEqual([])
    const names = MUTANTS.map(({ control }) => control)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    for (const { suite, ids } of MUTANTS) {
      expect(existsSync(join(tests, suite)), suite).toBe(true)
      for (const id of ids) expect(ROWS.find((row) => row.id === id)?.claimedBy, id).toBeDefined()
    }
    const used = new Set([...networkCases, ...containerCases].flatMap(({ controls }) => controls))
    expect(Object.keys(MUTATIONS).filter((control) => !used.has(control as keyof typeof MUTATIONS))).toEqual(
      [],
    )
  })

  it('has no mutant whose text is gone from the sources', () => {
    expect(MUTANTS.flatMap(staleEdits)).toEqual([])
  })

  it('is told to users, and so is what is not covered', () => {
    const page = readFileSync(join(tests, '../docs/containment.md'), 'utf8')
    for (const { id, claimedBy } of ROWS)
      if (claimedBy !== undefined) {
        expect(page, id).toContain(id)
        expect(existsSync(join(tests, claimedBy)), claimedBy).toBe(true)
      }
    expect(existsSync(join(dirname(tests), 'docs'))).toBe(true)
  })
})
