/** Runs test files of several copies of the repository in one go; prints what became of each test as one line of JSON. */
import { stripVTControlCharacters } from 'node:util'
import { startVitest } from 'vitest/node'
import type { Outcome, RunOptions } from './mutant.ts'

interface Request extends RunOptions {
  readonly pattern: string
  readonly projects: readonly {
    readonly name: string
    readonly root: string
    readonly include: readonly string[]
  }[]
}

const { pattern, projects, workers, timeoutMs } = JSON.parse(process.argv[2] ?? '') as Request
const vitest = await startVitest(
  'test',
  [],
  {
    config: false,
    watch: false,
    testNamePattern: pattern,
    maxWorkers: workers,
    reporters: [{}],
  },
  {
    test: {
      projects: projects.map(({ name, root, include }) => ({
        root,
        test: { name, root, include: [...include], testTimeout: timeoutMs, hookTimeout: timeoutMs },
      })),
    },
  },
)
const outcomes: Record<string, Outcome[]> = Object.fromEntries(projects.map(({ name }) => [name, []]))
for (const module of vitest.state.getTestModules()) {
  const own = (outcomes[module.project.name] ??= [])
  for (const test of module.children.allTests()) {
    const { state, errors = [] } = test.result()
    const said = errors.map(({ message }) => message).join('\n')
    if (state !== 'skipped') own.push({ name: test.fullName, state, said })
  }
  // A file that cannot be loaded, or whose `beforeAll` fails, has no tests that ran.
  const whole = [module, ...module.children.allSuites()].flatMap((part) => part.errors())
  if (whole.length > 0)
    own.push({
      name: module.moduleId,
      state: 'broken',
      said: whole.map(({ message }) => stripVTControlCharacters(message)).join('\n'),
    })
}
await vitest.close()
process.stdout.write(`\n${JSON.stringify({ outcomes })}\n`, () => process.exit(0))
