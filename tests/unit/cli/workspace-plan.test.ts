import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openProgram } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  mkdirSync(join(program.folder, 'app/.vscode'), { recursive: true })
  program.write('app/a.txt', 'four')
  declare('app')
})
afterEach(() => program.close())

const declare = (source: string, mode = 'copy', agent = ''): void =>
  program.write(
    'bottles.yaml',
    `version: 1\nstack: acme\nbottles: { base: { workspace: { source: ${source}, mode: ${mode} } } }\nagents: { dev: { bottle: base${agent} } }\n`,
  )

test('the plan of a new bottle says how much its workspace is, what is left out, and what may steer programs in it', async () => {
  program.write('app/.vscode/tasks.json', '{}')
  for (let index = 0; index < 7; index++) symlinkSync('/etc', join(program.folder, `app/out${index}`))
  const { stdout, code } = await program.run('diff')
  expect(code).toBe(1)
  expect(stdout.split('\n').filter((line) => line.startsWith('workspace of'))).toEqual([
    'workspace of dev: filled from app, 2 files, 6 B',
    'workspace of dev: left out, links that lead out of it: out0, out1, out2, out3, out4, 2 more',
    'workspace of dev: has settings that programs in the bottle may obey: .vscode/tasks.json',
  ])
})

test('what a file is named cannot steer the terminal of whoever reads the plan', async () => {
  symlinkSync('/etc', join(program.folder, 'app/\u001b[2Jout'))
  expect((await program.run('diff')).stdout).toContain('lead out of it: \\u{1b}[2Jout\n')
})

test('a source that cannot be a workspace stops everything before anything is done', async () => {
  declare('nothing')
  for (const line of ['diff', 'apply --yes']) {
    const { code, stderr } = await program.run(line)
    expect([code, stderr]).toEqual([2, expect.stringContaining('nothing is not a folder')])
  }
  expect(program.world.read().stacks).toEqual({})
  declare('app', 'clone')
  expect((await program.run('apply --yes')).stderr).toContain('has no git repository of its own')
})

test('a bottle that lives cares neither for its source nor for what becomes of it', async () => {
  expect((await program.run('apply --yes')).code).toBe(0)
  program.write('app/b.txt', 'more')
  expect(await program.run('diff')).toMatchObject({
    code: 0,
    stdout: expect.not.stringContaining('workspace'),
  })
  declare('nothing')
  const { stdout, code } = await program.run('diff')
  expect(code).toBe(1)
  expect(stdout).toContain('workspace.source: app → nothing')
  expect(stdout).toContain('bottle/dev: what is in its workspace stays; only an empty one is filled')
})

test('a bottle that was lost is made again for its volume, whatever became of the source', async () => {
  expect((await program.run('apply --yes')).code).toBe(0)
  rmSync(join(program.folder, 'app'), { recursive: true })
  program.world.change((state) => void delete state.stacks['acme']?.bottles['dev'])
  const { stdout, code } = await program.run('diff')
  expect(code).toBe(1)
  expect(stdout).toContain('drift: containers are gone')
})

test('a prompt is handed to the bottle with the plan that names its digest, and taken back with the next', async () => {
  declare('app', 'copy', ', prompt: Review.')
  expect((await program.run('apply --yes')).code).toBe(0)
  declare('app', 'copy', ', prompt: Review again.')
  const edited = await program.run('apply')
  expect(edited.stdout).toContain('declared prompt changed')
  expect(edited.stdout).not.toContain('Review')
  expect((await program.run('diff')).code).toBe(0)
  declare('app')
  expect((await program.run('apply')).code).toBe(0)
  expect((await program.run('diff')).code).toBe(0)
})
