import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isIgnored, rulesOf } from '../../../src/cli/workspace/ignore-rules.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bb-ignore-'))
  git('init', '--quiet')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const environment = { PATH: process.env['PATH'] ?? '', HOME: '/nowhere', GIT_CONFIG_NOSYSTEM: '1' }

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: folder, env: environment, encoding: 'utf8' })
}

/** What git leaves out of these files, with the rules as its only `.gitignore` files. */
function asGit(rules: Readonly<Record<string, string>>, paths: readonly string[]): readonly string[] {
  rmSync(join(folder, 'tree'), { recursive: true, force: true })
  const under = join(folder, 'tree')
  mkdirSync(under)
  execFileSync('git', ['init', '--quiet'], { cwd: under, env: environment })
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(under, path)), { recursive: true })
    writeFileSync(join(under, path), text)
  }
  for (const path of paths) write(path, '')
  for (const [at, text] of Object.entries(rules)) write(at === '' ? '.gitignore' : `${at}/.gitignore`, text)
  const { stdout } = spawnSync('git', ['check-ignore', '--stdin', '--no-index', '-z'], {
    cwd: under,
    env: environment,
    input: paths.join('\0'),
    encoding: 'utf8',
  })
  return stdout.split('\0').filter((path) => path !== '')
}

/** The same by our rules: a file is left out with the first folder above it that is. */
function asOurs(rules: Readonly<Record<string, string>>, paths: readonly string[]): readonly string[] {
  return paths.filter((path) => {
    const parts = path.split('/')
    return parts.some((_, index) => {
      const at = parts.slice(0, index + 1).join('/')
      const above = ['', ...parts.slice(0, index).map((__, to) => parts.slice(0, to + 1).join('/'))]
      const stack = above.flatMap((each) =>
        rules[each] === undefined ? [] : [{ folder: each, rules: rulesOf(rules[each]) }],
      )
      return isIgnored(at, index < parts.length - 1, stack)
    })
  })
}

const PATHS = [
  'a',
  'b.log',
  'a.txt/x',
  'build/out.o',
  'src/build/out.o',
  'src/main.ts',
  'src/deep/build/keep/x',
  'docs/a/b/c.md',
  '#hash',
  '!bang',
  'trail ',
  '[x]',
  'x-y',
  'foo/bar/baz',
]

describe('an ignore rule', () => {
  it.each([
    ['a name at any depth', 'build'],
    ['a folder only', 'a/'],
    ['a path from the top', '/build'],
    ['a path with a slash in it', 'src/build'],
    ['a star, which stops at a slash', '*.o'],
    ['a star in a path', 'src/*/keep'],
    ['one letter', '?'],
    ['a set and a range', '[a-b].log'],
    ['a set that is turned round', '[!b].log\n[^z]'],
    ['a bracket as a letter', '\\[x\\]\n[]x]'],
    ['two stars in front', '**/build'],
    ['two stars behind', 'docs/**'],
    ['two stars between', 'docs/**/c.md\nfoo/**/bar'],
    ['two stars alone', '**'],
    ['two stars glued to the first letters', 'doc**/*\nsr**/main.ts\n/foo**'],
    ['two stars glued behind a wild letter', 'd?c**/c.md\nfo[o]**/bar'],
    ['what comes back', '*.log\n!b.log'],
    ['nothing below a folder that is left out', 'build/\n!build/out.o'],
    ['comments, blanks at the end and escapes', '# a\n\\#hash\n\\!bang\ntrail\\ \nb.log  \n'],
    ['lines with a carriage return', 'b.log\r\nbuild\r\n'],
    ['nothing where it is no pattern', '/\n//\n!\n'],
  ])('knows %s as git does', (_what, text) => {
    const rules = { '': text }
    expect(asOurs(rules, PATHS)).toEqual(asGit(rules, PATHS))
  })

  it('of a deeper folder is stronger than one above it', () => {
    const rules = { '': '*.o\nkeep', src: '!*.o\n/main.ts', 'src/deep': '!keep' }
    expect(asOurs(rules, PATHS)).toEqual(asGit(rules, PATHS))
  })

  it('is what git makes of it, whatever it is', () => {
    const piece = fc.constantFrom('a', 'b', 'x', '*', '**', '?', '/', '[ab]', '[!a]', '.', '!', '\\*', ' ')
    const line = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''))
    const names = fc.array(fc.constantFrom('a', 'b', 'x', 'ab', 'a.b', 'xx'), { minLength: 1, maxLength: 4 })
    const property = fc.property(
      fc.array(line, { maxLength: 3 }),
      fc.array(
        names.map((parts) => parts.join('/')),
        { minLength: 1, maxLength: 4 },
      ),
      (lines, wanted) => {
        const rules = { '': lines.join('\n') }
        // Of two paths one may be a folder on the way of the other.
        const paths = [...new Set(wanted)].filter(
          (path) => !wanted.some((other) => other.startsWith(`${path}/`)),
        )
        expect(asOurs(rules, paths)).toEqual(asGit(rules, paths))
      },
    )
    fc.assert(property, { numRuns: 60 })
  })

  it('costs no more than its length times that of the name, however it is made', () => {
    const rules = rulesOf(`${'*a'.repeat(2000)}b\n${'**/a/'.repeat(200)}b`)
    const started = process.cpuUsage()
    expect(isIgnored('a'.repeat(4000), false, [{ folder: '', rules }])).toBe(false)
    expect(isIgnored('a/'.repeat(400) + 'c', false, [{ folder: '', rules }])).toBe(false)
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000)
  })
})
