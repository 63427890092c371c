/** A key file with a passphrase, from the terminal to the gate. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { publicLineOf } from '../../../src/model/ssh-private.ts'
import { openProgram } from './program.ts'

const WORD = 'canary-passphrase-77'
const manifest = (identity: string) => `version: 1
stack: acme
bottles:
  dev:
    git:
      remotes:
        origin:
          url: git@github.com:acme/app.git
          host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
          identity: ${identity}
          push: { allow: [refs/heads/agent/*] }
`

let program: ReturnType<typeof openProgram>
let file: string
const keygen = (...args: readonly string[]) => execFileSync('ssh-keygen', ['-q', '-a', '2', ...args])
beforeEach(() => {
  program = openProgram()
  file = join(program.folder, 'id')
  keygen('-t', 'ed25519', '-N', WORD, '-C', '', '-f', file)
  program.write('bottles.yaml', manifest(file))
})
afterEach(() => program.close())

const apply = (typed: readonly string[] = []) =>
  program.run('apply -y', { terminal: true, stdin: typed.map((one) => `${one}\r`).join('') })
const identities = () => program.world.read().stacks['acme']?.bundles['dev']?.gate?.identities ?? {}
const planned = async () => {
  const { actions } = JSON.parse((await program.run('diff --output json')).stdout) as { actions: object[] }
  return actions
}

it('is asked for, opens the key for the gate, and is shown and kept nowhere', async () => {
  const { code, stdout, stderr } = await apply([WORD])
  expect([code, stderr]).toEqual([0, expect.any(String)])
  expect(stderr).toContain(`passphrase of file ${file} for remote/dev/origin (not shown):`)
  expect(publicLineOf(identities()['origin'] ?? '')).toBe(readFileSync(`${file}.pub`, 'utf8').trim())
  expect(await planned()).toEqual([])
  const opened = (identities()['origin'] ?? '').split('\n')[1] ?? ''
  const kept = readdirSync(join(program.folder, '.bot-bottle'), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => readFileSync(join(each.parentPath, each.name), 'latin1'))
  expect(kept.length).toBeGreaterThan(3)
  for (const secret of [WORD, opened]) expect(`${stdout}${stderr}${kept.join('')}`).not.toContain(secret)
})

it('that was changed makes no difference; another key does, without being opened', async () => {
  await apply([WORD])
  keygen('-p', '-P', WORD, '-N', 'another', '-f', file)
  expect(await planned()).toEqual([])
  execFileSync('rm', [file, `${file}.pub`])
  keygen('-t', 'ed25519', '-N', WORD, '-C', '', '-f', file)
  expect(await planned()).toMatchObject([{ address: 'remote/dev/origin', verb: 'update' }])
})

it('without a terminal is an error before anything is done', async () => {
  const { code, stderr } = await program.run('apply -y')
  expect(code).toBe(2)
  expect(stderr).toContain(`the key from file ${file} for remote/dev/origin has a passphrase`)
  expect(stderr).toContain(`ssh-keygen -p -f ${file}`)
  expect(program.world.read().stacks['acme']).toBeUndefined()
})
