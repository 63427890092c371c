/**
 * `npm test`: lint, format, types, the Go helper's tests, unit tests, the door's batteries (fuzzing, soak, clients), the
 * tests on a real forge, then those on a real engine. Brings the engine when none answers. Ends with `N passed, N failed`. Unit tests run beside
 * those on the engine, which wait for it most of the time, and stand behind them. What cannot run here is skipped with a printed reason; BOT_BOTTLE_NO_SKIPS=1 (CI) makes a skip a failure.
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

/** `beside`: a command line that the tests' own is appended to. */
function vitest(project: string, beside: readonly string[] = []): void {
  say(`${project} tests (vitest)`)
  const [program = '', ...argv] = [...beside, 'vitest', ...argumentsOf(project)]
  count(project, run(program, argv).status)
}

/** They give way to what runs beside them; what they say is said when they have ended. */
function vitestBeside(project: string): () => Promise<void> {
  const output = join(work, `${project}.out`)
  const descriptor = openSync(output, 'w')
  const child = spawn('nice', ['-n', '10', 'vitest', ...argumentsOf(project)], {
    cwd: root,
    stdio: ['ignore', descriptor, descriptor],
    env,
  })
  const closed = once(child, 'close')
  return async () => {
    const [status] = (await closed) as [number | null]
    say(`${project} tests (vitest)`)
    process.stderr.write(readFileSync(output))
    count(project, status)
  }
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

function engineTests(): void {
  say('Docker engine')
  if (run('node', ['scripts/engine.ts', 'ensure']).status !== 0) {
    return skip('engine tests', 'no Docker engine answers and none could be installed')
  }
  vitest('engine')
}

function forgeTests(): void {
  const missing = forgeMissing()
  if (missing !== undefined) return skip('tests on a real forge', missing)
  vitest('forge')
}

/** The driver again, on the newest engine. */
function labTests(): void {
  const missing = engineNewMissing()
  if (missing !== undefined) return skip('tests on the newest engine', missing)
  vitest('engine-new', ['node', 'scripts/labs.ts', 'run', 'engine-new', '--'])
}

const wanted = (part: string) => parts.length === 0 || parts.includes(part)
if (wanted('check')) staticChecks()
if (wanted('unit')) helperTests()
if (wanted('unit') && wanted('engine')) {
  const unitTests = vitestBeside('unit')
  engineTests()
  await unitTests()
} else if (wanted('unit')) vitest('unit')
else if (wanted('engine')) engineTests()
if (wanted('door')) vitest('door')
if (wanted('forge')) forgeTests()
if (wanted('labs')) labTests()
rmSync(work, { recursive: true, force: true })

if (forbidSkips && tally.skipped > 0) {
  process.stderr.write(`\n${tally.skipped} skipped, and skips are forbidden here\n`)
  tally.failed += tally.skipped
}
process.stdout.write(
  `\n${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 && !forbidSkips ? `, ${tally.skipped} skipped` : ''}\n`,
)
process.exitCode = tally.failed === 0 ? 0 : 1
