/**
 * Gitea, a real forge with deploy keys and an SSH server, compiled once into the cache from the Go module proxy: the
 * program and what it reads beside itself (templates, locales).
 */
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePackages, labsCache, run, say, timed } from './cache.ts'
import { ensureGo } from './go.ts'

const MODULE = 'code.gitea.io/gitea'
const VERSION = 'v1.26.0'

const TO_BUILD = [
  ['gcc', ['gcc', '--version']],
  ['libc6-dev', ['test', '-e', '/usr/include/stdlib.h']],
] as const

/** Program, templates, locales. */
export const giteaFolder = (): string => join(labsCache(), `gitea-${VERSION}`)

/** Idempotent. */
export async function prepareGitea(): Promise<void> {
  const to = giteaFolder()
  if (existsSync(to)) return say(`Gitea ${VERSION} is in ${to}`)
  await ensurePackages(TO_BUILD)
  const go = await ensureGo()
  const unfinished = `${to}.${process.pid}`
  const env = { GOTOOLCHAIN: 'local', GOFLAGS: '', CGO_ENABLED: '1', ...(go !== 'go' && { GOROOT: '' }) }
  try {
    await timed(`go build ${MODULE}@${VERSION}`, () => {
      const source = sourceOf(go, env)
      // A module that requires it: `go install` refuses what has `replace` lines of its own.
      const around = join(unfinished, 'module')
      mkdirSync(around, { recursive: true })
      writeFileSync(join(around, 'go.mod'), moduleAround(readFileSync(join(source, 'go.mod'), 'utf8')))
      cpSync(join(source, 'go.sum'), join(around, 'go.sum'))
      const program = join(unfinished, 'gitea')
      const tags = 'sqlite sqlite_unlock_notify'
      run([go, 'build', '-C', around, '-mod=mod', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', '-tags', tags, '-o', program, MODULE], env) // prettier-ignore
      for (const folder of ['templates', 'options', 'public'])
        run(['cp', '-R', '--no-preserve=mode', join(source, folder), join(unfinished, folder)])
      rmSync(around, { recursive: true })
    })
    renameSync(unfinished, to)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

function sourceOf(go: string, env: Readonly<Record<string, string>>): string {
  const answer: unknown = JSON.parse(run([go, 'mod', 'download', '-json', `${MODULE}@${VERSION}`], env))
  if (typeof answer !== 'object' || answer === null || !('Dir' in answer))
    throw new Error(`go mod download ${MODULE}@${VERSION} says no folder`)
  return String(answer.Dir)
}

/** Its own `replace` lines count only where they stand in the main module. */
function moduleAround(ownModule: string): string {
  const lines = ownModule.split('\n')
  return [
    'module lab',
    lines.find((line) => line.startsWith('go ')) ?? '',
    `require ${MODULE} ${VERSION}`,
    ...lines.filter((line) => line.startsWith('replace ')),
    '',
  ].join('\n')
}
