/** A reference to a secret that gives no value is said with its route and what follows, and never passed over. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
})
afterEach(() => program.close())

const MALFORMED = { GITHUB_TOKEN: 'canary\ninjected: header' }

describe('diff', () => {
  test('names an unset reference, its routes, and that apply will refuse', async () => {
    const { stdout, code } = await program.run('diff')
    expect(code).toBe(1)
    expect(stdout).toContain(
      'environment variable GITHUB_TOKEN is not set: route/implementer/api.github.com, route/reviewer/api.github.com would deny without it; `apply` ends with 2',
    )
  })

  test('says of one in sync that it is not compared', async () => {
    await program.run('apply', { env: TOKEN })
    const { stdout, code } = await program.run('diff')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /GITHUB_TOKEN is not set: route\/implementer.* is not compared and keeps what it holds/,
    )
  })

  test('says it in every form', async () => {
    const { notes } = JSON.parse((await program.run('diff --output json')).stdout)
    expect(notes).toEqual([expect.stringContaining('GITHUB_TOKEN is not set')])
    expect((await program.run('diff --output markdown')).stdout).toContain('environment variable GITHUB')
  })

  test('names a file that cannot be taken', async () => {
    program.write('bottles.yaml', MANIFEST.replace('token_ref: GITHUB_TOKEN', 'token_ref: { file: token }'))
    program.write('token', 'canary-value\n')
    chmodSync(join(program.folder, 'token'), 0o644)
    const { stdout } = await program.run('diff')
    expect(stdout).toMatch(/secret file .*token is open to others \(mode 0644\): route\/implementer/)
    expect(stdout).not.toContain('canary')
  })

  test('says nothing where every reference gives a value', async () => {
    expect(JSON.parse((await program.run('diff --output json', { env: TOKEN })).stdout).notes).toEqual([])
  })
})

describe('apply', () => {
  test('of a bottle in sync refuses a value that cannot be a credential', async () => {
    await program.run('apply', { env: TOKEN })
    const { code, stderr, stdout } = await program.run('apply', { env: MALFORMED })
    expect(code).toBe(2)
    expect(stderr).toContain('the secret from GITHUB_TOKEN holds characters')
    expect(stderr).toContain('route/reviewer/api.github.com')
    expect(`${stdout}${stderr}`).not.toContain('canary')
    expect(stdout).not.toContain('in sync')
  })

  test('of a bottle in sync goes on without a value that is not set, and says so', async () => {
    await program.run('apply', { env: TOKEN })
    const { code, stdout } = await program.run('apply')
    expect([code, stdout]).toEqual([0, expect.stringContaining('is not compared and keeps what it holds')])
  })

  test('of one bottle does not mind a reference of another', async () => {
    program.write(
      'bottles.yaml',
      MANIFEST.replace('reviewer: { bottle: dev }', 'reviewer: { bottle: plain }').replace(
        'agents:',
        '  plain: {}\nagents:',
      ),
    )
    expect((await program.run('apply reviewer', { env: MALFORMED })).code).toBe(0)
  })
})
