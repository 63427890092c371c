import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildContext } from '../../../src/manifest/build-context.ts'
import { beginsOnBase } from '../../../src/manifest/desired-image.ts'
import { ignoring } from '../../../src/manifest/dockerignore.ts'

describe('.dockerignore', () => {
  it.each([
    ['*.log', 'a.log', true],
    ['*.log', 'sub/a.log', false],
    ['**/*.log', 'sub/deep/a.log', true],
    ['**/*.log', 'a.log', true],
    ['secrets', 'secrets/key', true],
    ['/secrets/', 'secrets/key', true],
    ['secrets', 'mysecrets', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['docs/**', 'docs/a/b', true],
    ['a.b', 'axb', false],
    ['# docs', 'docs', false],
    ['*\n!kept.txt', 'kept.txt', false],
    ['*\n!kept.txt', 'other.txt', true],
    ['!kept.txt\n*', 'kept.txt', true],
  ])('%j takes %s out: %s', (text, path, isIgnored) => {
    expect(ignoring(text)(path)).toBe(isIgnored)
  })
})

describe('a Dockerfile', () => {
  it.each([
    ['ARG BOT_BOTTLE_BASE\nFROM ${BOT_BOTTLE_BASE}\n', true],
    ['ARG BOT_BOTTLE_BASE\nfrom $BOT_BOTTLE_BASE as base\nFROM base\n', true],
    ['FROM golang:1 AS tools\nARG BOT_BOTTLE_BASE\nFROM --platform=linux/amd64 ${BOT_BOTTLE_BASE}\n', true],
    ['ARG BOT_BOTTLE_BASE\nFROM ${BOT_BOTTLE_BASE} AS tools\nFROM debian:12\n', false],
    ['FROM debian:12\n# FROM ${BOT_BOTTLE_BASE}\n', false],
    ['RUN true\n', false],
  ])('%j begins on what it is given: %s', (text, begins) => {
    expect(beginsOnBase(text)).toBe(begins)
  })
})

describe('the context of a build', () => {
  let folder: string
  const write = (path: string, text: string) => writeFileSync(join(folder, path), text)
  const paths = (...named: readonly string[]) =>
    buildContext(
      join(folder, 'app', 'Dockerfile'),
      named.map((path) => join(folder, path)),
    ).map(({ path, mode }) => [path, mode.toString(8)])

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bb-context-'))
    mkdirSync(join(folder, 'app', 'tools', 'deep'), { recursive: true })
    mkdirSync(join(folder, 'shared'))
    write('app/Dockerfile', 'FROM x\n')
    write('app/.dockerignore', '**/*.log\n')
    write('app/tools/run', 'run')
    chmodSync(join(folder, 'app/tools/run'), 0o755)
    write('app/tools/deep/a.log', 'log')
    write('app/tools/deep/b.txt', 'text')
    write('shared/c.txt', 'text')
    symlinkSync('/etc/passwd', join(folder, 'app/tools/link'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('[SPP-07] is what is named and nothing else', () => {
    expect(paths()).toEqual([])
    expect(paths('app/tools', 'shared/c.txt')).toEqual([
      ['shared/c.txt', '644'],
      ['tools/deep/b.txt', '644'],
      ['tools/run', '755'],
    ])
  })

  it('[SPP-07] leaves links out, wherever they lead', () => {
    expect(paths('app/tools/link')).toEqual([])
  })

  it('says of each file what it holds', () => {
    const digest = () => buildContext(join(folder, 'app/Dockerfile'), [join(folder, 'shared')])[0]?.sha256
    const before = digest()
    expect(digest()).toBe(before)
    write('shared/c.txt', 'other')
    expect(digest()).not.toBe(before)
  })

  it('does not go on without what is named', () => {
    expect(() => paths('app/nowhere')).toThrow(/ENOENT/)
  })
})
