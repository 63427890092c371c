/** `run` on a ready image starts what `docker run` would start. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { docker } from '../docker/stack.ts'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'

const TAGS = { both: 'bot-bottle-test/both:1', command: 'bot-bottle-test/command:1' }
const build = (tag: string, lines: readonly string[]): void =>
  void execFileSync('docker', ['build', '-q', '-t', tag, '-'], {
    input: [`FROM ${baseImage().tag}`, ...lines, ''].join('\n'),
    stdio: ['pipe', 'ignore', 'ignore'],
  })

let program: Program
beforeAll(async () => {
  build(TAGS.both, [
    'ENV FROM_IMAGE=its-own',
    'WORKDIR /srv',
    `ENTRYPOINT ["/bin/sh", "-c", "echo $FROM_IMAGE $PWD $0 $*"]`,
    'CMD ["usual", "arguments"]',
  ])
  build(TAGS.command, ['CMD ["/bin/echo", "only", "a", "command"]'])
  program = openProgram('run')
  program.manifest(`bottles:
  both: { image: ${TAGS.both} }
  command: { image: ${TAGS.command} }
  based: { base_image: ${TAGS.command} }
`)
  await program.must('apply')
})
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
  for (const tag of Object.values(TAGS)) docker('rmi', '-f', tag)
})

it.each([
  [
    'its entrypoint with its own arguments, in its folder and environment',
    ['both'],
    'its-own /srv usual arguments',
  ],
  [
    'its entrypoint with the arguments that were given',
    ['both', '--', 'given', '--flag'],
    'its-own /srv given --flag',
  ],
  ['its command, where it has no entrypoint', ['command'], 'only a command'],
  ['what was given, where it has no entrypoint', ['command', '--', '/bin/echo', 'given'], 'given'],
  ['a shell on a base image, whatever that would start', ['based', '--', '-c', 'echo shell'], 'shell'],
])('starts %s', async (_what, words, line) => {
  const { code, out } = await program.run(['run', ...words])
  // Before it stands a plan where the bottle was not in sync.
  expect([code, out.trimEnd().split(/\r?\n/).at(-1)]).toEqual([0, line])
})
