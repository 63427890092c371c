import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
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
import { requirePackable } from '../../../src/cli/workspace/packable.ts'
import { packInto } from '../../../src/cli/workspace/tar.ts'
import { unpackFrom } from '../../../src/cli/workspace/untar.ts'

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

describe('a tree that would be refused on its way in', () => {
  test.each([
    ['absolute', '/etc/passwd'],
    ['upwards', '../../elsewhere'],
  ])('is named by its %s link before anything is sent', async (_how, target) => {
    const root = tree()
    symlinkSync(target, join(root, 'a', 'out'))
    await expect(requirePackable(root)).rejects.toThrow(`a/out is a link out of what is copied, to ${target}`)
  })
  test('is not one whose links stay inside, nor a lone file', async () => {
    const root = tree()
    symlinkSync('../empty', join(root, 'a', 'up'))
    await requirePackable(root)
    await requirePackable(join(root, 'empty'), 'other')
    await expect(requirePackable(join(root, 'a', 'up'), 'up')).rejects.toThrow(
      'is a link out of what is copied',
    )
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
    ).rejects.toThrow('nothing was copied')
    expect(existsSync(join(folder, 'escape'))).toBe(false)
  })
  test.each([
    ['a name that leaves the folder', ['--transform', 's,^link,../link,']],
    ['a file below a link', ['--transform', 's,^link,a/one.txt/f,']],
  ])('makes nothing when the last entry is %s', async (_what, transform) => {
    const packed = tar(['a', 'link', '-P', ...transform], tree())
    await expect(unpackFrom(packed, 'folder', folder, 'out')).rejects.toThrow('nothing was copied')
    expect(readdirSync(folder)).toEqual(['tree'])
  })
  test('makes nothing when it ends before its end', async () => {
    const packed = await buffer(tar(['a', 'link'], tree()))
    const cut = Readable.from([packed.subarray(0, 4096)], { objectMode: false })
    await expect(unpackFrom(cut, 'folder', folder, 'out')).rejects.toThrow('ended in the middle')
    expect(readdirSync(folder)).toEqual(['tree'])
  })
  test('makes nothing where a folder here stands in the place of a file', async () => {
    mkdirSync(join(folder, 'out', 'a', 'one.txt'), { recursive: true })
    await expect(unpackFrom(tar(['.'], tree()), 'folder', folder, 'out')).rejects.toThrow(
      'one.txt is a folder',
    )
    expect(readdirSync(join(folder, 'out', 'a'))).toEqual(['one.txt'])
  })
  test('leaves what was there as it was when a lone file breaks off', async () => {
    writeFileSync(join(folder, 'mine.txt'), 'before')
    const packed = await buffer(tar(['ünï.txt'], join(tree(), 'a', LONG)))
    const cut = Readable.from([packed.subarray(0, packed.length - 10_240 + 1024)], { objectMode: false })
    await expect(unpackFrom(cut, 'file', folder, 'mine.txt')).rejects.toThrow('ended in the middle')
    expect(readFileSync(join(folder, 'mine.txt'), 'utf8')).toBe('before')
    expect(readdirSync(folder).sort()).toEqual(['mine.txt', 'tree'])
  })
  test('names the links that it left out', async () => {
    const root = tree()
    symlinkSync('/etc/passwd', join(root, 'a', 'out'))
    expect(await unpackFrom(tar(['.'], root), 'folder', folder, 'out')).toEqual({ leftOut: ['a/out'] })
  })
  test('says so when the stream ends in the middle', async () => {
    const packed = execFileSync('tar', ['-cf', '-', 'one.txt'], { cwd: join(tree(), 'a') }).subarray(0, 514)
    await expect(
      unpackFrom(Readable.from([packed], { objectMode: false }), 'file', folder, 'x'),
    ).rejects.toThrow('ended in the middle')
  })
})
