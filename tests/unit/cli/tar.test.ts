import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  existsSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { packInto } from '../../../src/cli/tar.ts'
import { unpackFrom } from '../../../src/cli/untar.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bb-tar-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const LONG = 'x'.repeat(120)

function tree(): string {
  const root = join(folder, 'tree')
  mkdirSync(join(root, 'a', LONG), { recursive: true })
  writeFileSync(join(root, 'a', 'one.txt'), 'one')
  writeFileSync(join(root, 'a', LONG, 'ünï.txt'), 'x'.repeat(1500), { mode: 0o755 })
  writeFileSync(join(root, 'empty'), '')
  symlinkSync('a/one.txt', join(root, 'link'))
  return root
}

describe('a copy into a bottle', () => {
  test('is a tar that tar itself reads', async () => {
    const packed = await buffer(packInto(tree()))
    expect(packed.length % 512).toBe(0)
    const out = join(folder, 'out')
    mkdirSync(out)
    execFileSync('tar', ['-xf', '-', '-C', out], { input: packed })
    expect(readFileSync(join(out, 'a', LONG, 'ünï.txt'), 'utf8')).toHaveLength(1500)
    expect(statSync(join(out, 'a', LONG, 'ünï.txt')).mode & 0o777).toBe(0o755)
    expect(readlinkSync(join(out, 'link'))).toBe('a/one.txt')
  })
  test('can give a single file another name', async () => {
    const packed = await buffer(packInto(join(tree(), 'a', 'one.txt'), 'two.txt'))
    expect(execFileSync('tar', ['-tf', '-'], { input: packed, encoding: 'utf8' })).toBe('two.txt\n')
  })
})

describe('a copy out of a bottle', () => {
  const tar = (args: readonly string[], cwd: string): Readable =>
    Readable.from([execFileSync('tar', ['--format=pax', '-cf', '-', ...args], { cwd })], {
      objectMode: false,
    })
  test('gives the same tree', async () => {
    await unpackFrom(tar(['.'], tree()), 'folder', folder, 'out')
    expect(
      execFileSync('diff', ['-r', join(folder, 'tree'), join(folder, 'out')], { encoding: 'utf8' }),
    ).toBe('')
    expect(readlinkSync(join(folder, 'out', 'link'))).toBe('a/one.txt')
  })
  test('gives a lone file the name that was asked for', async () => {
    await unpackFrom(tar(['one.txt'], join(tree(), 'a')), 'file', folder, 'mine.txt')
    expect(readFileSync(join(folder, 'mine.txt'), 'utf8')).toBe('one')
  })
  test('never writes through a link of its own', async () => {
    const outside = join(folder, 'outside')
    mkdirSync(outside)
    const evil = join(folder, 'evil')
    mkdirSync(join(evil, 'sub'), { recursive: true })
    writeFileSync(join(evil, 'sub', 'f'), 'evil')
    symlinkSync(outside, join(folder, 'link'))
    // First a link named `sub`, then a file `sub/f`.
    const first = execFileSync('tar', ['-cf', '-', '--transform', 's/^link/sub/', 'link'], { cwd: folder })
    const second = execFileSync('tar', ['-cf', '-', 'sub/f'], { cwd: evil })
    await unpackFrom(
      Readable.from([Buffer.concat([first.subarray(0, 512), second])], { objectMode: false }),
      'folder',
      folder,
      'out',
    )
    expect(existsSync(join(outside, 'f'))).toBe(false)
  })
  test('refuses to go through a relative link that stays inside', async () => {
    const evil = join(folder, 'evil')
    mkdirSync(join(evil, 'sub'), { recursive: true })
    writeFileSync(join(evil, 'sub', 'f'), 'evil')
    symlinkSync('real', join(folder, 'sub'))
    const first = execFileSync('tar', ['-cf', '-', 'sub'], { cwd: folder })
    const second = execFileSync('tar', ['-cf', '-', 'sub/f'], { cwd: evil })
    await expect(
      unpackFrom(
        Readable.from([Buffer.concat([first.subarray(0, 512), second])], { objectMode: false }),
        'folder',
        folder,
        'out',
      ),
    ).rejects.toThrow('not a folder')
  })
  test.each(['../escape', '/escape', 'a/../../escape'])('refuses the name %s', async (name) => {
    const packed = execFileSync('tar', ['-P', '-cf', '-', '--transform', `s,^one.txt,${name},`, 'one.txt'], {
      cwd: join(tree(), 'a'),
    })
    await expect(
      unpackFrom(Readable.from([packed], { objectMode: false }), 'folder', join(folder, 'tree'), 'out'),
    ).rejects.toThrow('not unpacked further')
    expect(existsSync(join(folder, 'escape'))).toBe(false)
  })
  test('says so when the stream ends in the middle', async () => {
    const packed = execFileSync('tar', ['-cf', '-', 'one.txt'], { cwd: join(tree(), 'a') }).subarray(0, 514)
    await expect(
      unpackFrom(Readable.from([packed], { objectMode: false }), 'file', folder, 'x'),
    ).rejects.toThrow('ended in the middle')
  })
})
