/** The image of an agent as a cascade on the real engine: base, program, the user's Dockerfile on top or below. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { openProgram } from '../cli/program.ts'
import type { Program } from '../cli/program.ts'
import { docker } from '../docker/stack.ts'

let program: Program
const write = (path: string, text: string) => writeFileSync(join(program.folder, path), text)
const bottle = (name: string, more = '', template = 'codex') =>
  `  ${name}:\n    resources: { memory: 512MiB, pids: 256 }\n    agent_provider: { template: ${template}${more} }\n`
/** Of the images of this stack, for a pattern. */
const tags = () =>
  ['above', 'below', 'one', 'two']
    .map((name) => docker('inspect', '-f', '{{.Config.Image}}', `bb_${program.stack}_${name}_agent`))
    .map((image) => image.split(':').at(-1))
    .join('|')
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
  write(
    'below.docker',
    [
      `FROM ${baseImage().tag}`,
      'RUN echo below > /opt/word',
      "RUN sed -i 's|^agent:x:1000:1000::/home/agent|theirs:x:1000:1000::/home/theirs|' /etc/passwd",
      '',
    ].join('\n'),
  )
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

it('knows the agent by name, with its home folder, whoever else had its uid', async () => {
  for (const name of ['one', 'above', 'below']) {
    expect(await run(name, 'whoami')).toBe('agent')
    expect(await run(name, 'getent', 'passwd', '1000')).toBe('agent:x:1000:1000::/home/agent:/bin/sh')
  }
  expect(await run('below', 'getent', 'passwd', 'theirs')).toBe('theirs:x:1000:1000::/home/theirs:/bin/sh')
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

it('leaves no name behind for what lay below the program, and no container for what was looked at', () => {
  expect(docker('images', '-q', 'bot-bottle/below_program')).toBe('')
  expect(docker('images', '-q', 'bot-bottle/above_program')).toBe('')
  expect(docker('ps', '-aq', '--filter', `name=_${program.stack}_step`)).toBe('')
})

it('is made once: no image is built, named or looked into while no input changes', async () => {
  const { code, out } = await program.run('diff')
  expect([code, out]).toEqual([0, expect.stringContaining('in sync')])
  const heard: string[] = []
  const events = spawn('docker', ['events', '--format', '{{.Type}} {{.Action}} {{json .Actor.Attributes}}'])
  events.stdout.setEncoding('utf8').on('data', (text: string) => heard.push(text))
  const mark = async (word: string) => {
    // Until the stream has begun, nothing of it is heard.
    await vi.waitFor(() => {
      docker('tag', baseImage().tag, `bot-bottle-test/${word}:${program.stack}`)
      expect(heard.join('')).toContain(`bot-bottle-test/${word}:${program.stack}`)
    })
    docker('rmi', `bot-bottle-test/${word}:${program.stack}`)
  }
  await mark('before')
  await program.must('apply')
  await mark('after')
  events.kill()
  const ours = new RegExp(`${program.stack}|bot-bottle/(above|below|one|two|program_codex):(${tags()})`)
  const made = heard
    .join('')
    .split('\n')
    .filter((line) => /^(image|builder|container create) /.test(line) && !line.includes('bot-bottle-test/'))
  expect(made.filter((line) => ours.test(line))).toEqual([])
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

describe('what a Dockerfile dropped', () => {
  const ON_BASE = 'ARG BOT_BOTTLE_BASE\nFROM ${BOT_BOTTLE_BASE}\n'
  const refusalOf = async (dockerfile: string, template = 'codex', more = '') => {
    write('broken.docker', dockerfile)
    program.manifest(`bottles:\n${bottle('dropped', `, dockerfile: broken.docker${more}`, template)}`)
    const { code, out } = await program.run('apply --no-prune --yes')
    expect(code).toBe(4)
    return out
  }

  it.each([
    [
      'git and the certificate store, above the program',
      `${ON_BASE}RUN rm $(command -v git) /etc/ssl/certs/ca-certificates.crt\n`,
      'the image that broken.docker makes has no git on its PATH, no certificate store of its distribution',
      'RUN apt-get update && apt-get install -y git ca-certificates',
    ],
    [
      'the user, above the program',
      `${ON_BASE}RUN sed -i /:1000:/d /etc/passwd\n`,
      'the image that broken.docker makes has no user with uid 1000',
      'keep this line in /etc/passwd: agent:x:1000:1000::/home/agent:/bin/sh',
    ],
    [
      'git, below the program',
      `FROM ${baseImage().tag}\nRUN rm $(command -v git)\n`,
      'the image that broken.docker makes has no git on its PATH',
      'RUN apt-get update && apt-get install -y git',
    ],
  ])('is named before a bottle is made: %s', async (_what, dockerfile, message, hint) => {
    const out = await refusalOf(dockerfile)
    expect(out).toContain(`${message} (image-incomplete)`)
    expect(out).toContain(hint)
    expect(docker('images', '-q', 'bot-bottle/dropped')).toBe('')
  })

  it('is glibc where the program is linked with it (Alpine, laid out by hand)', async () => {
    for (const file of [
      'bin/sh',
      'lib/ld-musl-x86_64.so.1',
      'usr/bin/git',
      'etc/ssl/certs/ca-certificates.crt',
    ]) {
      mkdirSync(join(program.folder, 'alpine', file, '..'), { recursive: true })
      write(`alpine/${file}`, '')
    }
    write('alpine/etc/os-release', 'NAME="Alpine Linux"\nID=alpine\n')
    const out = await refusalOf('FROM scratch\nCOPY alpine/ /\n', 'claude', ', build: { context: [alpine] }')
    expect(out).toContain('has no glibc, which the program is linked with (image-incomplete)')
    expect(out).toContain('begin with FROM ${BOT_BOTTLE_BASE}, or with an image of Debian, Ubuntu or Fedora')
  })
})
