/** What `prune` takes away on an engine that others use, too. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { docker } from '../docker/stack.ts'
import { openProgram, type Program } from './program.ts'

const LOCAL = 'bottles:\n  one: { resources: { memory: 256MiB, pids: 128 } }\n'
const mark = randomBytes(4).toString('hex')
const name = (what: string): string => `bot-bottle/prune-${mark}-${what}:1`

let program: Program
const made: string[] = []
beforeAll(async () => {
  program = openProgram('prune')
  program.manifest(LOCAL)
  // Makes the installation.
  await program.run('diff')
})
afterAll(async () => {
  await program.run('destroy --yes')
  for (const tag of made) docker('rmi', '-f', tag)
  program.dispose()
})

/** As a build of this program leaves it; `installation`: whose. */
function anImage(tag: string, installation: string, from = baseImage().tag): string {
  const labels = ['dev.bot-bottle.part=image', `dev.bot-bottle.installation=${installation}`]
  execFileSync('docker', ['build', '-q', '-t', tag, ...labels.flatMap((label) => ['--label', label]), '-'], {
    input: `FROM ${from}\nRUN echo ${tag} > /var/tmp/what\n`,
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  made.push(tag)
  return tag
}

const exists = (tag: string): boolean => docker('images', '-q', tag) !== ''
const installation = (): string => readFileSync(join(program.home, 'installation'), 'utf8').trim()

describe('images', () => {
  it('are shown and, with consent, removed: those of this installation that nobody uses', async () => {
    const unused = anImage(name('unused'), installation())
    const used = anImage(name('used'), installation())
    const foreign = anImage(name('foreign'), 'f'.repeat(16))
    const byHand = anImage(`prune-${mark}-by-hand:1`, installation(), unused)
    const container = docker('create', used, 'true')
    try {
      const looked = await program.must('prune --dry-run')
      expect(looked.out).toContain(unused)
      for (const other of [used, foreign, byHand]) expect(looked.out).not.toContain(other)
      const refused = await program.run('prune')
      expect([refused.code, refused.err]).toEqual([5, expect.stringContaining('pass --yes')])
      expect([unused, used, foreign, byHand].map(exists)).toEqual([true, true, true, true])
      const { err } = await program.must('prune --yes')
      expect(err).toMatch(/removed \d+ things?, about/)
      expect([unused, used, foreign, byHand].map(exists)).toEqual([false, true, true, true])
    } finally {
      docker('rm', container)
    }
    await program.must('prune --yes')
    expect(exists(used)).toBe(false)
    expect((await program.must('prune --dry-run')).out).toBe('nothing to remove\n')
  })
})

describe('what is left of a stack', () => {
  it('is no leftover while its record or a bottle of it lives, and goes when neither does', async () => {
    await program.must('apply')
    const state = join(program.home, 'stacks')
    const bystander = { env: { BOT_BOTTLE_FILE: '' } }
    rmSync(join(program.folder, 'bottles.yaml'))
    rmSync(state, { recursive: true })
    const named = `what is left of stack ${program.stack}`
    expect((await program.must('prune --dry-run', bystander)).out, 'the uplink has its record').not.toContain(
      named,
    )
    docker('rm', '-f', `bb_${program.stack}_uplink`, `bb_${program.stack}_one_bundle`)
    docker('volume', 'rm', `bb_${program.stack}_uplink_sock`)
    expect((await program.must('prune --dry-run', bystander)).out, 'its bottle runs').not.toContain(named)
    docker('stop', '-t', '0', `bb_${program.stack}_one_agent`)
    const { out } = await program.must('prune --dry-run', bystander)
    expect(out).toMatch(new RegExp(`${named}, .*bottle/one.*; workspaces in it are lost`))
    await program.must('prune --yes', bystander)
    expect(program.left()).toEqual([])
  })
})
