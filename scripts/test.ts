/**
 * `npm test`: lint, format, types, the Go helper's tests, unit tests, the door's batteries (fuzzing, soak, clients), the
 * tests on a real forge, then those on a real engine. Brings the engine when none answers. Ends with `N passed, N failed`. Unit tests and
 * the forge's run beside those on the engine, which wait for it most of the time. What cannot run here is skipped with a printed reason; BOT_BOTTLE_NO_SKIPS=1 (CI) makes a skip a failure.
 *
 * Arguments: `check`, `unit`, `door`, `forge`, `engine` or `labs` runs that part alone; `--long` whole batteries.
 */
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn, spawnSync } from 'node:child_process'
import type { StdioOptions } from 'node:child_process'
import { engineNewMissing } from './labs/engine-new.ts'
import { forgeMissing } from './labs/forge.ts'

interface Tally {
  passed: number
  failed: number
  skipped: number
}

const PARTS = ['check', 'unit', 'door', 'forge', 'engine', 'labs']
const HELP = `Runs everything that can run here, or the parts that are named; ends with N passed, N failed.

  $ npm test
  $ node scripts/test.ts check unit

Usage  node scripts/test.ts [PART…] [options]

Parts
  check   lint, format, types
  unit    unit tests and the Go helper's
  door    fuzzing, soak and real clients at the egress door
  forge   deploy keys at a real Gitea, where \`npm run labs\` has prepared it
  engine  tests on a Docker engine, which is brought when none answers
  labs    the driver's tests on the newest engine, where \`npm run labs\` has prepared it

Options
  --long      whole batteries instead of shortened ones
  -h, --help  this text

BOT_BOTTLE_NO_SKIPS=1 makes a skip a failure.
`
const given = process.argv.slice(2)
if (given.includes('--help') || given.includes('-h')) {
  process.stdout.write(HELP)
  process.exit(0)
}
const unknown = given.find((argument) => argument !== '--long' && !PARTS.includes(argument))
if (unknown !== undefined) {
  process.stderr.write(`there is no part or option \`${unknown}\`\n\n${HELP}`)
  process.exit(2)
}
const root = join(import.meta.dirname, '..')
const parts = given.filter((argument) => argument !== '--long')
const long = given.includes('--long')
const forbidSkips = process.env['BOT_BOTTLE_NO_SKIPS'] === '1'
const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
const work = mkdtempSync(join(tmpdir(), 'bot-bottle-test-'))

function say(text: string): void {
  process.stderr.write(`\n── ${text}\n`)
}

const env = {
  ...process.env,
  PROPERTY_RUNS: long ? '20000' : '1000',
  ...(long && { BOT_BOTTLE_LONG: '1' }),
}

function run(command: string, args: readonly string[], stdio: StdioOptions = 'inherit') {
  return spawnSync(command, args, { cwd: root, stdio, env, encoding: 'utf8' })
}

/** One named check that passes or fails as a whole. */
function check(name: string, command: string, args: readonly string[]): void {
  say(name)
  if (run(command, args).status === 0) tally.passed += 1
  else {
    tally.failed += 1
    process.stderr.write(`failed: ${name}\n`)
  }
}

function skip(name: string, reason: string): void {
  process.stderr.write(`skipped: ${name}: ${reason}\n`)
  tally.skipped += 1
}

function staticChecks(): void {
  check('lint (oxlint)', 'oxlint', [])
  check('format (oxfmt)', 'oxfmt', ['--check', '.'])
  check('types (tsc)', 'tsc', ['--noEmit', '-p', '.'])
}

function helperTests(): void {
  say('static helper (go test)')
  if (run('go', ['version'], 'ignore').status !== 0)
    return skip('static helper', 'no Go toolchain here; its image stage still compiles it')
  check('static helper (go vet)', 'go', ['-C', 'sidecars/guest', 'vet', './...'])
  const result = spawnSync('go', ['test', '-json', './...'], {
    cwd: join(root, 'sidecars/guest'),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  let failedHere = 0
  for (const line of result.stdout.split('\n')) {
    if (!line.startsWith('{')) continue
    const event = JSON.parse(line) as { Action: string; Test?: string; Output?: string }
    if (event.Test === undefined) continue
    if (event.Action === 'pass') tally.passed += 1
    if (event.Action === 'skip') skip(`static helper ${event.Test}`, 'see its output')
    if (event.Action === 'fail') {
      failedHere += 1
      process.stderr.write(`failed: static helper ${event.Test}\n`)
    }
  }
  tally.failed += failedHere
  if (result.status !== 0 && failedHere === 0) {
    tally.failed += 1
    process.stderr.write(`${result.stdout.slice(-4000)}\n${result.stderr}\n`)
  }
}

interface How {
  /** A command line that the tests' own is appended to. */
  readonly within?: readonly string[]
  /** They give way to what runs beside them, and what they say is said when they have ended. */
  readonly beside?: boolean
}

async function vitest(project: string, { within = [], beside = false }: How = {}): Promise<void> {
  const title = `${project} tests (vitest)`
  const output = join(work, `${project}.out`)
  const descriptor = beside ? openSync(output, 'w') : undefined
  if (!beside) say(title)
  const first = beside ? ['nice', '-n', '10'] : within
  const [program = '', ...argv] = [...first, 'vitest', ...argumentsOf(project)]
  const stdio: StdioOptions = descriptor === undefined ? 'inherit' : ['ignore', descriptor, descriptor]
  const [status] = (await once(spawn(program, argv, { cwd: root, stdio, env }), 'close')) as [number | null]
  if (beside) {
    say(title)
    process.stderr.write(readFileSync(output))
  }
  count(project, status)
}

const reportOf = (project: string): string => join(work, `${project}.json`)

function argumentsOf(project: string): readonly string[] {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportOf(project)}`]
  return ['run', '--project', project, ...reporters]
}

function count(project: string, status: number | null): void {
  try {
    const counts = JSON.parse(readFileSync(reportOf(project), 'utf8')) as {
      numPassedTests: number
      numFailedTests: number
      numPendingTests: number
    }
    tally.passed += counts.numPassedTests
    tally.failed += counts.numFailedTests
    tally.skipped += counts.numPendingTests
    if (status !== 0 && counts.numFailedTests === 0) tally.failed += 1
  } catch {
    tally.failed += 1
    process.stderr.write(`failed: ${project} tests wrote no report\n`)
  }
}

async function engineTests(): Promise<void> {
  say('Docker engine')
  if (run('node', ['scripts/engine.ts', 'ensure']).status !== 0) {
    return skip('engine tests', 'no Docker engine answers and none could be installed')
  }
  await vitest('engine')
}

async function forgeTests(how: How): Promise<void> {
  const missing = forgeMissing()
  if (missing !== undefined) return skip('tests on a real forge', missing)
  await vitest('forge', how)
}

/** The driver again, on the newest engine. */
async function labTests(): Promise<void> {
  const missing = engineNewMissing()
  if (missing !== undefined) return skip('tests on the newest engine', missing)
  await vitest('engine-new', { within: ['node', 'scripts/labs.ts', 'run', 'engine-new', '--'] })
}

const wanted = (part: string) => parts.length === 0 || parts.includes(part)
if (wanted('check')) staticChecks()
if (wanted('unit')) helperTests()
const withoutEngine = async (how: How): Promise<void> => {
  if (wanted('unit')) await vitest('unit', how)
  if (wanted('forge')) await forgeTests(how)
}
if (wanted('engine')) await Promise.all([withoutEngine({ beside: true }), engineTests()])
else await withoutEngine({})
if (wanted('door')) await vitest('door')
if (wanted('labs')) await labTests()
rmSync(work, { recursive: true, force: true })

if (forbidSkips && tally.skipped > 0) {
  process.stderr.write(`\n${tally.skipped} skipped, and skips are forbidden here\n`)
  tally.failed += tally.skipped
}
process.stdout.write(
  `\n${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 && !forbidSkips ? `, ${tally.skipped} skipped` : ''}\n`,
)
process.exitCode = tally.failed === 0 ? 0 : 1
