import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openHome } from '../../../src/state/home.ts'
import { acquire } from '../../../src/state/lock.ts'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
})
afterEach(() => program.close())

const applied = async (): Promise<void> => {
  const { code, stderr, stdout } = await program.run('apply', { env: TOKEN })
  expect(`${stdout}${stderr}`).toContain('everything ready')
  expect(code).toBe(0)
}

describe('diff', () => {
  test('exits 1 on differences and changes nothing', async () => {
    const { code, stdout } = await program.run('diff', { env: TOKEN })
    expect(code).toBe(1)
    expect(stdout).toContain('+ bottle/implementer')
    expect(stdout).toContain('[auth:bearer]')
    expect(Object.keys(program.world.read().stacks)).toEqual([])
  })
  test('exits 0 when in sync', async () => {
    await applied()
    const { code, stdout } = await program.run('diff', { env: TOKEN })
    expect(stdout).toContain('in sync')
    expect(code).toBe(0)
  })
  test('needs no secret', async () => {
    expect((await program.run('diff')).code).toBe(1)
  })
  test('prints JSON and Markdown', async () => {
    expect(JSON.parse((await program.run('diff --output json')).stdout).stack).toBe('acme')
    expect((await program.run('diff --output markdown')).stdout).toContain('| | object | why | impact |')
  })
  test('shows drift alone with --drift, and exits 1 only for it', async () => {
    await applied()
    program.write('bottles.yaml', MANIFEST.replace('/repos/acme/', '/repos/'))
    expect((await program.run('diff', { env: TOKEN })).code).toBe(1)
    expect((await program.run('diff --drift', { env: TOKEN })).code).toBe(0)
    program.world.change((state) => delete state.stacks['acme']?.bundles['reviewer'])
    const { code, stdout } = await program.run('diff --drift', { env: TOKEN })
    expect(code).toBe(1)
    expect(stdout).toContain('bundle/reviewer')
    expect(stdout).not.toContain('route/implementer')
  })
})

describe('apply', () => {
  test('twice: the second does nothing', async () => {
    await applied()
    const again = await program.run('apply', { env: TOKEN })
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('in sync')
  })
  test('says each action on a line of its own without a terminal', async () => {
    const { stderr } = await program.run('apply', { env: TOKEN })
    expect(stderr).toMatch(/^bottle\/implementer create done: .* \(\d.\d s\)$/m)
  })
  test('names an unset secret and does nothing', async () => {
    const { code, stderr } = await program.run('apply')
    expect(code).toBe(2)
    expect(stderr).toContain('GITHUB_TOKEN')
    expect(Object.keys(program.world.read().stacks)).toEqual([])
  })
  test('takes some bottles and leaves the others', async () => {
    const { code } = await program.run('apply reviewer', { env: TOKEN })
    expect(code).toBe(0)
    expect(Object.keys(program.world.read().stacks['acme']?.bottles ?? {})).toEqual(['reviewer'])
  })
  test('asks before it disturbs, and takes silence for no', async () => {
    await applied()
    program.write('bottles.yaml', MANIFEST.replace('CI: "1"', 'CI: "2"'))
    const unasked = await program.run('apply', { env: TOKEN })
    expect(unasked.code).toBe(5)
    expect(unasked.stderr).toContain('--yes')
    expect((await program.run('apply', { env: TOKEN, terminal: true })).code).toBe(5)
    expect((await program.run('apply', { env: TOKEN, terminal: true, stdin: 'n\n' })).code).toBe(5)
    expect((await program.run('apply', { env: TOKEN, terminal: true, stdin: 'y\n' })).code).toBe(0)
    expect((await program.run('diff', { env: TOKEN })).code).toBe(0)
  })
  test('does not ask for what is live', async () => {
    await applied()
    program.write('bottles.yaml', MANIFEST.replace('/repos/acme/', '/repos/'))
    expect((await program.run('apply', { env: TOKEN })).code).toBe(0)
  })
  test('ends with a table and exit 4 when something failed', async () => {
    program.faults.add({ call: 'perform create bundle/reviewer', moment: 'before' })
    const { code, stdout } = await program.run('apply', { env: TOKEN })
    expect(code).toBe(4)
    expect(stdout).toContain('FAILED')
    expect(stdout).toMatch(/route\/reviewer\/api.github.com +because bundle\/reviewer failed/)
    expect(stdout).toContain('The next `bot-bottle apply` tries')
  })
  test('speaks events, the version first', async () => {
    const { stdout } = await program.run('apply --output events', { env: TOKEN })
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toMatchObject({ type: 'version', version: 1 })
    expect(lines.at(-1)).toMatchObject({ type: 'ended', outcome: 'done' })
  })
  test('prints one JSON document', async () => {
    const { stdout } = await program.run('apply --output json', { env: TOKEN })
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'done' })
  })
  test('says nothing with --quiet when all goes well', async () => {
    expect(await program.run('apply --quiet', { env: TOKEN })).toEqual({ code: 0, stdout: '', stderr: '' })
  })
  test('reports an engine that does not answer with 8', async () => {
    program.faults.add({ call: 'observe', moment: 'before' })
    expect((await program.run('apply', { env: TOKEN })).code).toBe(8)
  })
  test('starts nothing new after Ctrl-C and exits 130', async () => {
    const { code, stderr } = await program.run('apply', { env: TOKEN, signal: 'SIGINT' })
    expect(code).toBe(130)
    expect(stderr).toContain('starting nothing new')
    expect(stderr).not.toMatch(/^ +at /m)
  })
  test('gives a file among the bottles the option it needs', async () => {
    expect((await program.run('apply other.yaml', { env: TOKEN })).stderr).toContain('-f other.yaml')
    expect((await program.run('apply plan.json', { env: TOKEN })).stderr).toContain('--plan plan.json')
  })
})

describe('a saved plan', () => {
  test('is for its owner only, holds no secret and is carried out without a question', async () => {
    await applied()
    program.write('bottles.yaml', MANIFEST.replace('CI: "1"', 'CI: "2"'))
    await program.run('diff --out plan.json', { env: TOKEN })
    const path = join(program.folder, 'plan.json')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).not.toContain(TOKEN.GITHUB_TOKEN)
    expect((await program.run('apply --plan plan.json', { env: TOKEN })).code).toBe(0)
    expect((await program.run('diff', { env: TOKEN })).code).toBe(0)
  })
  test('is stale when the manifest changed', async () => {
    await program.run('diff --out plan.json', { env: TOKEN })
    program.write('bottles.yaml', MANIFEST.replace('/repos/acme/', '/repos/'))
    const { code, stderr } = await program.run('apply --plan plan.json', { env: TOKEN })
    expect(code).toBe(6)
    expect(stderr).toContain('bottles.yaml')
  })
  test('is stale when the world moved', async () => {
    await program.run('diff --out plan.json', { env: TOKEN })
    await program.run('apply reviewer', { env: TOKEN })
    expect((await program.run('apply --plan plan.json', { env: TOKEN })).code).toBe(6)
  })
  test('is read with care', async () => {
    program.write('plan.json', '{"actions":[]}')
    expect((await program.run('apply --plan plan.json', { env: TOKEN })).code).toBe(2)
    expect((await program.run('apply --plan nowhere.json', { env: TOKEN })).code).toBe(2)
  })
})

describe('the rest of a life', () => {
  test('status is a table', async () => {
    await applied()
    const { code, stdout } = await program.run('status', { env: TOKEN })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^implementer +ready/m)
    expect(stdout).toContain('2 bottles · in sync · uplink ok')
  })
  test('stop keeps a bottle halted through apply; start undoes it', async () => {
    await applied()
    expect((await program.run('stop reviewer', { env: TOKEN })).code).toBe(0)
    const again = await program.run('apply', { env: TOKEN })
    expect([again.code, again.stdout]).toEqual([
      0,
      expect.stringContaining('`bot-bottle start reviewer` starts it\nin sync'),
    ])
    expect((await program.run('status', { env: TOKEN })).stdout).toMatch(/^reviewer +stopped/m)
    expect((await program.run('start reviewer', { env: TOKEN })).code).toBe(0)
    expect((await program.run('status', { env: TOKEN })).stdout).toMatch(/^reviewer +ready/m)
  })
  test('exec passes streams and exit codes through', async () => {
    await applied()
    expect(await program.run('exec reviewer echo hello --tty')).toMatchObject({
      code: 0,
      stdout: 'hello --tty\n',
    })
    expect((await program.run('exec reviewer false')).code).toBe(1)
    expect((await program.run('exec reviewer nowhere')).code).toBe(127)
    expect(await program.run('exec reviewer cat', { stdin: 'through' })).toMatchObject({
      code: 0,
      stdout: 'through',
    })
    expect((await program.run('exec nobody true')).code).toBe(2)
  })
  test('a bottle that is not made yet is not to be started', async () => {
    for (const line of ['exec dev ls', 'exec implementer ls', 'stop implementer']) {
      const { stderr } = await program.run(line)
      expect(stderr).not.toContain('bot-bottle start')
      expect(stderr).toMatch(/there is no bottle `dev`|hint: bot-bottle apply implementer/)
    }
    await applied()
    expect((await program.run('exec nobody ls --stack acme')).code).toBe(2)
    const { code, stderr } = await program.run('exec --stack acme nobody ls')
    expect([code, stderr]).toEqual([125, expect.stringContaining('hint: bottles: implementer, reviewer')])
  })
  test('no engine is said by every command, also by those that only need names', async () => {
    for (const line of ['stop implementer', 'destroy implementer', 'status', 'diff']) {
      program.faults.add({ call: 'observe', moment: 'before' })
      expect([line, (await program.run(line)).code]).toEqual([line, 8])
    }
  })
  test('a question stands on the line of its answer', async () => {
    await applied()
    const { code, stderr } = await program.run('destroy', { terminal: true, stdin: 'no\n' })
    expect(code).toBe(5)
    expect(stderr).toMatch(/Go on\? .* \[y\/N\] [^ \n]*error/)
  })
  test('destroy does not say that the manifest changed', async () => {
    await applied()
    const { stdout } = await program.run('destroy --yes')
    expect(stdout).toMatch(/- bottle\/reviewer +destroyed +\[agent stops, volumes removed\]/)
    expect(stdout).not.toContain('no longer declared')
  })
  test('what a vanished bottle left behind is removed, and no agent restarts', async () => {
    await applied()
    program.world.change((state) => delete state.stacks['acme'])
    const { stdout } = await program.run('destroy --yes')
    expect(stdout).toMatch(/- ca\/reviewer +destroyed +\[removed\]/)
    expect(stdout).toContain('no agent restarts')
  })
  test('a broken manifest does not stand in the way: the command that works is said, and works', async () => {
    await applied()
    const broken = (manifest: string, line: string) => {
      program.write('bottles.yaml', manifest)
      return program.run(line, { env: TOKEN })
    }
    const mistaken = 'version: 1\nstack: acme # ours\nbottle: {}\n'
    const { code, stderr } = await broken(mistaken, 'destroy reviewer --yes')
    expect(code).toBe(2)
    const [, hint = ''] = /hint: without the manifest: bot-bottle (.*)/.exec(stderr) ?? []
    expect(hint).toBe('destroy --stack acme reviewer')
    expect((await program.run(`${hint} --yes`)).stdout).toContain('bottle/reviewer')
    expect(JSON.parse((await program.run('status --output json')).stderr)).toMatchObject({
      hint: 'without the manifest: bot-bottle status --stack acme',
    })
    for (const nameless of ['stack: [acme\n', 'stack: Not A Name\nversion: 1\n'])
      expect((await broken(nameless, 'destroy')).stderr).toContain('bot-bottle destroy --stack NAME')
    expect((await broken(mistaken, 'diff')).stderr).not.toContain('--stack')
  })
  test('destroy of nothing says so', async () => {
    const { code, stdout } = await program.run('destroy --stack nobody --yes')
    expect([code, stdout]).toEqual([0, expect.stringContaining('nothing of stack nobody is there')])
  })
  test('diff --out says how to carry it out', async () => {
    const { stdout } = await program.run('diff --out plan.json')
    expect(stdout).toContain('Saved. Run `bot-bottle apply --plan plan.json`.')
  })
  test('validate tells what this version will refuse', async () => {
    program.write('bottles.yaml', MANIFEST.replace('    env:\n', '    resources: { disk: 3GiB }\n    env:\n'))
    const { code, stdout, stderr } = await program.run('validate')
    expect([code, stdout]).toEqual([0, expect.stringContaining('refuse it for now')])
    expect(stderr).toContain('warning not-supported-yet')
    expect(JSON.parse((await program.run('validate --output json')).stdout).diagnostics).toHaveLength(1)
  })
  test('-f with logs gets the option that was meant', async () => {
    expect((await program.run('logs -f implementer')).stderr).toContain('logs --follow implementer')
  })
  test('exec says its own failures as docker does', async () => {
    expect((await program.run('exec reviewer true')).code).toBe(125)
  })
  test('destroy leaves nothing, also without a manifest; forget drops the state', async () => {
    await applied()
    expect((await program.run('destroy')).code).toBe(5)
    expect((await program.run('forget acme --yes')).code).toBe(5)
    const { code, stdout } = await program.run('destroy --stack acme --yes')
    expect(stdout).toContain('nothing is left')
    expect(code).toBe(0)
    expect((await program.run('forget acme --yes')).code).toBe(0)
  })
  test('two runs at once: the second says who holds the stack', async () => {
    const home = openHome({ env: { HOME: program.folder } })
    const lock = await acquire({
      home,
      engineId: 'memory-engine',
      stack: 'acme',
      command: 'watch',
      timeoutMs: 0,
    })
    const { code, stderr } = await program.run('apply', { env: TOKEN })
    lock.release()
    expect(code).toBe(3)
    expect(stderr).toMatch(/watch \(pid \d+/)
    await applied()
  })
  test('no output and no file of the state holds the secret', async () => {
    await applied()
    for (const line of [
      'diff',
      'diff --output json',
      'diff --output markdown',
      'status --output json',
      'explain route/reviewer/api.github.com',
      'doctor --secrets',
    ]) {
      const { stdout, stderr } = await program.run(line, { env: { ...TOKEN, BOT_BOTTLE_DEBUG: '1' } })
      expect(`${stdout}${stderr}`).not.toContain(TOKEN.GITHUB_TOKEN)
    }
  })
})
