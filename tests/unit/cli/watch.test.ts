import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { drift } from '../../../src/drivers/memory/drift.ts'
import { address } from '../../../src/model/address.ts'
import { Options } from '../../../src/cli/grammar/options.ts'
import { openStack } from '../../../src/cli/stack/stack.ts'
import { openWatchRun } from '../../../src/cli/apply/watch-run.ts'
import type { Invocation } from '../../../src/cli/grammar/invocation.ts'
import { PLAIN } from '../../../src/render/style.ts'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
let said: string[] = []
beforeEach(async () => {
  said = []
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
  await program.run('apply', { env: TOKEN })
})
afterEach(() => program.close())

/** One run of watch after another, as its loop would start them. */
async function watching(
  flags: Readonly<Record<string, unknown>> = {},
  follow: (paths: readonly string[]) => void = () => {},
) {
  const say = (lines: readonly string[]): void => void said.push(...lines)
  const invocation: Invocation = {
    command: 'watch',
    args: [],
    options: new Options(flags),
    io: program.io(TOKEN),
    output: {
      style: PLAIN,
      noteStyle: PLAIN,
      live: undefined,
      screen: undefined,
      result: say,
      note: say,
      gone: new AbortController().signal,
      ask: (question) => say([question]),
      event: (_head, line) => say([line]),
      flush: async () => {},
    },
  }
  return openWatchRun(invocation, await openStack(invocation), follow)
}
const text = (): string => said.splice(0).join('\n')

describe('watch', () => {
  test('is quiet when nothing differs', async () => {
    const run = await watching()
    await run(['start'])
    await run(['resync'])
    expect(text()).toBe('')
  })
  test('applies an edit that disturbs nobody', async () => {
    const run = await watching()
    program.write('bottles.yaml', MANIFEST.replace('/repos/acme/', '/repos/'))
    await run(['edit'])
    expect(text()).toContain('route/implementer/api.github.com')
    expect((await program.run('diff', { env: TOKEN })).code).toBe(0)
  })
  test('holds back what would restart an agent, says so once, and does it with --yes', async () => {
    const run = await watching()
    program.write('bottles.yaml', MANIFEST.replace('CI: "1"', 'CI: "2"'))
    await run(['edit'])
    expect(text()).toContain('held back')
    await run(['resync'])
    expect(text()).toBe('')
    expect((await program.run('diff', { env: TOKEN })).code).toBe(1)
    const bold = await watching({ yes: true })
    await bold(['edit'])
    expect((await program.run('diff', { env: TOKEN })).code).toBe(0)
  })
  test('reports drift, and repairs it with --heal', async () => {
    program.world.change((state) => delete state.stacks['acme']?.bundles['reviewer'])
    const run = await watching()
    await run(['engine'])
    expect(text()).toMatch(/bundle\/reviewer .*\[drift, repaired with --heal\]/)
    const healing = await watching({ heal: true })
    await healing(['resync'])
    expect(text()).toContain('bundle/reviewer')
    expect((await program.run('diff', { env: TOKEN })).code).toBe(0)
  })
  test('carries out what is not blocked, and says once where the block begins', async () => {
    drift(program.world, 'acme').addStranger({
      address: address.bundle('reviewer'),
      kind: 'bundle',
      driver: 'memory',
      id: 'theirs',
      ownership: 'unmarked',
      fields: {},
      health: 'ok',
    })
    const run = await watching()
    program.write('bottles.yaml', MANIFEST.replace('/repos/acme/', '/repos/'))
    await run(['edit'])
    const said = text()
    expect(said).toContain('route/implementer/api.github.com update done')
    expect(said).toMatch(/! bundle\/reviewer .*its name is taken.*\[blocked\]/)
    await run(['resync'])
    expect(text()).toBe('')
    const { routes } = program.world.read().stacks['acme']!.bundles['reviewer']!.config!.policy
    expect(routes[0]!.matches![0]!.paths).toEqual([{ prefix: '/repos/acme/' }])
    const { actions } = JSON.parse((await program.run('diff --output json', { env: TOKEN })).stdout)
    expect(actions.map(({ bottle }: { readonly bottle?: string }) => bottle)).not.toContain('implementer')
  })
  describe('with an edit that is held back', () => {
    const EDITED = MANIFEST.replace('    env:\n', '    base_image: other.example/base:2\n    env:\n').replace(
      '/repos/acme/',
      '/repos/',
    )
    const gone = () => program.world.change((state) => delete state.stacks['acme']?.bundles['reviewer'])
    const bundles = () => Object.keys(program.world.read().stacks['acme']?.bundles ?? {})

    test('heals what drifts of its bottle meanwhile, and carries out nothing of the edit', async () => {
      const run = await watching({ heal: true })
      await run(['start'])
      program.write('bottles.yaml', EDITED)
      await run(['edit'])
      expect(text()).toContain('held back')
      gone()
      await run(['engine'])
      const healed = text()
      expect(healed).toContain('bundle/reviewer create done')
      expect(healed).toMatch(/! route\/reviewer\/api.github.com .* declared matches changed/)
      expect(bundles()).toContain('reviewer')
      await run(['resync'])
      expect(text()).toBe('')
      const { stdout } = await program.run('diff', { env: TOKEN })
      expect(stdout).toMatch(/bottle\/reviewer .* declared imageDigest changed/)
      expect(stdout).toMatch(/route\/reviewer\/api.github.com .* declared matches changed/)
      expect(stdout).not.toContain('bundle/')
    })
    test('leaves a bottle alone that was edited before it began: of its environment then nothing is known', async () => {
      program.write('bottles.yaml', EDITED)
      const run = await watching({ heal: true })
      gone()
      await run(['start'])
      expect(text()).toMatch(/bundle\/reviewer .*\[waits for what is held back\]/)
      expect(bundles()).not.toContain('reviewer')
    })
    test('goes on calling it an edit, whatever else is applied meanwhile', async () => {
      const run = await watching()
      await run(['start'])
      program.write('bottles.yaml', EDITED)
      await run(['edit'])
      const { stdout } = await program.run('diff', { env: TOKEN })
      expect(stdout).toMatch(/bottle\/reviewer .* declared imageDigest changed/)
      expect(stdout).not.toContain('drift')
    })
  })
  test('keeps the last good manifest when an edit is invalid, and prints why', async () => {
    const run = await watching()
    await run(['start'])
    program.write('bottles.yaml', 'version: 1\nstack: acme\nbottle: {}\n')
    await run(['edit'])
    const why = text()
    expect(why).toContain('bottles.yaml:3:1')
    expect(why).toContain('the last good manifest stays in force')
    expect((await program.run('status --stack acme')).stdout).toContain('2 bottles')
    // The world has its say in between; what is wrong with the manifest is no news again.
    await run(['resync'])
    expect(text()).toBe('')
    program.write('bottles.yaml', MANIFEST)
    await run(['edit'])
    expect(text()).toBe('the manifest is valid again')
  })
  test('reads again each minute, also what no folder told', async () => {
    const run = await watching()
    await run(['start'])
    program.write('bottles.yaml', MANIFEST.replace('/repos/acme/', '/repos/'))
    await run(['engine'])
    expect(text()).toBe('')
    await run(['resync'])
    expect(text()).toContain('route/implementer/api.github.com')
  })
  test('follows the files that the manifest names', async () => {
    program.write('token', 'file-token-0123456789')
    program.write('bottles.yaml', MANIFEST.replace('GITHUB_TOKEN', '{ file: ./token }'))
    let followed: readonly string[] = []
    const run = await watching({}, (paths) => (followed = paths))
    await run(['start'])
    expect(followed).toContain(join(program.folder, 'token'))
  })
  test('says everything behind the time of day', async () => {
    const { code, stderr } = await program.run('watch', { env: TOKEN, signal: 'SIGTERM' })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^\d\d:\d\d:\d\d {2}watching acme; Ctrl-C ends it\n/)
    for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^\d\d:\d\d:\d\d {2}\S/)
  })
  test('goes on when the engine does not answer', async () => {
    const run = await watching()
    program.faults.add({ call: 'observe', moment: 'before' })
    await run(['resync'])
    expect(text()).toContain('cannot be reached')
    await run(['resync'])
    expect(text()).toBe('')
  })
  test('applies nothing of an emptied manifest', async () => {
    const run = await watching({ yes: true })
    program.write('bottles.yaml', 'version: 1\nstack: acme\nbottles: {}\n')
    await run(['edit'])
    expect((await program.run('status --stack acme')).stdout).toContain('2 bottles')
  })
})
