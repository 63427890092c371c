/** The image of an agent as a cascade on the real engine: base, program, the user's Dockerfile on top or below. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { openProgram } from '../cli/program.ts'
import type { Program } from '../cli/program.ts'
import { docker } from '../docker/stack.ts'

let program: Program
const write = (path: string, text: string) => writeFileSync(join(program.folder, path), text)
const bottle = (name: string, more = '') =>
  `  ${name}:\n    resources: { memory: 512MiB, pids: 256 }\n    agent_provider: { template: codex${more} }\n`
const imageOf = (name: string) => docker('inspect', '-f', '{{.Image}}', `bb_${program.stack}_${name}_agent`)
const run = async (name: string, ...argv: readonly string[]) =>
  (await program.must(['exec', name, '--', ...argv])).out.trim()

const ONE = bottle('one')
const TWO = bottle('two')
const ABOVE = bottle(
  'above',
  ', dockerfile: above.docker, build: { context: [tools], args: { WORD: given }, network: none }',
)
const BELOW = bottle('below', ', dockerfile: below.docker')

beforeAll(async () => {
  program = openProgram('images')
  mkdirSync(join(program.folder, 'tools'))
  write('tools/note.txt', 'a tool\n')
  write('tools/left-out.log', 'never\n')
  write('.dockerignore', '**/*.log\n')
  write(
    'above.docker',
    [
      'ARG BOT_BOTTLE_BASE',
      'FROM ${BOT_BOTTLE_BASE}',
      'ARG WORD=none',
      'COPY tools/ /opt/tools/',
      'RUN echo "$WORD" > /opt/word',
      '',
    ].join('\n'),
  )
  write('below.docker', `FROM ${baseImage().tag}\nRUN echo below > /opt/word\n`)
  program.manifest(`bottles:\n${ONE}${TWO}${ABOVE}${BELOW}`)
  const { code, out, err } = await program.start('apply').ended
  if (code !== 0) throw new Error(out + err)
}, 600_000)
afterAll(async () => {
  await program?.run('destroy --yes')
  program?.dispose()
  for (const name of ['above', 'below', 'broken']) {
    const ids = docker('images', '-q', `bot-bottle/${name}`)
    if (ids !== '') docker('rmi', '-f', ...ids.split('\n'))
  }
})

it('holds the program, whichever way it was made', async () => {
  for (const name of ['one', 'above', 'below'])
    expect(await run(name, 'codex', '--version')).toMatch(/^codex-cli 0\.169\.0/)
})

it('is one image for two bottles with the same inputs', () => {
  expect(imageOf('one')).toBe(imageOf('two'))
  expect(imageOf('above')).not.toBe(imageOf('one'))
})

it('has what the Dockerfile adds, from the context and the arguments that it is given', async () => {
  expect(await run('above', 'cat', '/opt/tools/note.txt', '/opt/word')).toBe('a tool\ngiven')
  expect(await run('above', 'ls', '/opt/tools')).toBe('note.txt')
  expect(await run('below', 'cat', '/opt/word')).toBe('below')
})

it('leaves no name behind for what lay below the program', () => {
  expect(docker('images', '-q', 'bot-bottle/below_program')).toBe('')
})

it('is made once: nothing is to be done while no input changes', async () => {
  const { code, out } = await program.run('diff')
  expect([code, out]).toEqual([0, expect.stringContaining('in sync')])
})

it('says which input changed', async () => {
  write('tools/note.txt', 'another tool\n')
  const { code, out } = await program.run('diff')
  expect(code).toBe(1)
  expect(out).toMatch(/~ image\/above {2}[^]*inputs\.context: [0-9a-f]{12} → [0-9a-f]{12}/)
  expect(out).not.toMatch(/inputs\.(base|lock|dockerfile|args)/)
  write('tools/note.txt', 'a tool\n')
})

it('is refused in words where the Dockerfile took the program away, and where it cannot be built', async () => {
  write('broken.docker', 'ARG BOT_BOTTLE_BASE\nFROM ${BOT_BOTTLE_BASE}\nRUN rm /usr/local/bin/codex\n')
  program.manifest(`bottles:\n${bottle('broken', ', dockerfile: broken.docker')}`)
  const lost = await program.run('apply --no-prune')
  expect(lost.code).toBe(4)
  expect(lost.out).toContain('the image has no codex on its PATH (agent-program)')
  write('broken.docker', 'ARG BOT_BOTTLE_BASE\nFROM ${BOT_BOTTLE_BASE}\nRUN exit 3\n')
  const failed = await program.run('apply --no-prune --yes')
  expect(failed.code).toBe(4)
  expect(failed.out).toMatch(/broken\.docker could not be built: .*\(dockerfile-build\)/)
  expect((await program.run('run broken')).code).not.toBe(0)
})
