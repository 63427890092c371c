/**
 * Controls that have no switch, switched off all the same: a copy of the sources with one edit, in which the suite that
 * claims a case is run. There is no switch in the product. An edit whose text is not there any more fails its test, so
 * that the list cannot go stale.
 */
import { execFile } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const REPOSITORY = join(import.meta.dirname, '../../../..')
/** What a suite needs of the repository; the installed packages are linked. */
const COPIED = [
  'bin',
  'package.json',
  'package-lock.json',
  'presets',
  'schema',
  'scripts',
  'sidecars',
  'src',
  'tests',
]

export interface Edit {
  readonly file: string
  /** Found exactly once. */
  readonly from: string | RegExp
  readonly to: string
}

export interface Mutant {
  readonly control: string
  /** Ids of containment.md that the names of the tests hold which have to turn red. */
  readonly ids: readonly string[]
  /** The test file below `tests/` that has these tests: where the case is claimed, or a smaller one beside it. */
  readonly suite: string
  readonly edits: readonly Edit[]
  /** Part of the name of the tests that turn red. Default: all with `[id]` in it. */
  readonly turns?: RegExp
  /** Part of what they say when they are red. Default: anything. */
  readonly says?: RegExp
  /** Part of the name of a test of the same copy that stays green: what was edited still runs. Default: none. */
  readonly stays?: RegExp
  /** Edits that do not touch each other's cases share a copy, for speed. Default: a copy of its own. */
  readonly copy?: string
}

export interface Outcome {
  readonly name: string
  readonly state: string
  readonly said: string
}

/** The tests that ran in each copy, by its name. */
export type Outcomes = Readonly<Record<string, readonly Outcome[]>>

const copyOf = ({ control, copy }: Mutant): string => copy ?? control

/** Runs the suites of all mutants, each in its copy; only tests that a mutant names. */
export async function runMutants(mutants: readonly Mutant[], options: RunOptions): Promise<Outcomes> {
  const stale = mutants.flatMap(staleEdits)
  if (stale.length > 0) throw new Error(stale.join('\n'))
  const folder = mkdtempSync(join(tmpdir(), 'bb-mutants-'))
  // Daemons of a bundle under test are other users.
  chmodSync(folder, 0o755)
  try {
    const copies = Map.groupBy(mutants, copyOf)
    const projects = [...copies].map(([name, members]) => {
      const root = join(folder, name)
      copyRepository(root)
      for (const { edits } of members) for (const edit of edits) applyEdit(root, edit)
      return { name, root, include: [...new Set(members.map(({ suite }) => `tests/${suite}`))] }
    })
    const pattern = mutants.flatMap(({ ids, turns, stays }) => [
      turns?.source ?? ids.map((id) => `\\[${id}\\]`).join('|'),
      ...(stays === undefined ? [] : [stays.source]),
    ])
    return await inVitest({ ...options, projects, pattern: pattern.map((part) => `(?:${part})`).join('|') })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface RunOptions {
  readonly workers: number
  readonly timeoutMs: number
}

function copyRepository(root: string): void {
  mkdirSync(root)
  for (const name of COPIED) cpSync(join(REPOSITORY, name), join(root, name), { recursive: true })
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
}

function applyEdit(root: string, { file, from, to }: Edit): void {
  const path = join(root, file)
  writeFileSync(path, readFileSync(path, 'utf8').split(from).join(to))
}

/** Edits whose text is not in the sources exactly once. */
export function staleEdits({ control, edits }: Mutant): readonly string[] {
  return edits.flatMap(({ file, from }) => {
    const times = readFileSync(join(REPOSITORY, file), 'utf8').split(from).length - 1
    return times === 1 ? [] : [`${control}: ${file} has ${times} times, not once: ${String(from)}`]
  })
}

function inVitest(request: object): Promise<Outcomes> {
  return new Promise((resolve, reject) => {
    const argv = [join(import.meta.dirname, 'run.ts'), JSON.stringify(request)]
    const env = { ...process.env, NO_COLOR: '1', PROPERTY_RUNS: '50' }
    execFile(process.execPath, argv, { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const answer = stdout.split('\n').find((line) => line.startsWith('{"outcomes":'))
      if (answer === undefined) reject(new Error(`no outcome: ${stdout}${stderr}`, { cause: error }))
      else resolve((JSON.parse(answer) as { readonly outcomes: Outcomes }).outcomes)
    })
  })
}

/** Why the mutant is not shown to matter; empty when it is. */
export function survives(mutant: Mutant, outcomes: Outcomes): readonly string[] {
  const { ids, turns, says, stays } = mutant
  const ran = outcomes[copyOf(mutant)] ?? []
  const alive = ran.filter(({ name }) => stays?.test(name) ?? false)
  const named = ids.map((id) => {
    const tests = ran.filter(
      ({ name }) => name.includes(id) && (turns?.test(name) ?? name.includes(`[${id}]`)),
    )
    return { id, tests }
  })
  const silent = named.some(({ tests }) => tests.length === 0)
  return [
    ...ran
      .filter(({ state }) => silent && state === 'broken')
      .map(({ name, said }) => `broken: ${name}: ${said}`),
    ...named.filter(({ tests }) => tests.length === 0).map(({ id }) => `no test of ${id} ran`),
    ...named.flatMap(({ id, tests }) =>
      tests.filter(({ state }) => state !== 'failed').map(({ name }) => `${id} is green: ${name}`),
    ),
    ...named.flatMap(({ id, tests }) =>
      tests
        .filter(({ state, said }) => state === 'failed' && says?.test(said) === false)
        .map(({ name, said }) => `${id} is red for another reason: ${name}: ${said}`),
    ),
    ...(stays !== undefined && alive.length === 0 ? [`no test is named ${String(stays)}`] : []),
    ...alive.filter(({ state }) => state !== 'passed').map(({ name, said }) => `broken: ${name}: ${said}`),
  ]
}
