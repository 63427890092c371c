import { describe, expect, it } from 'vitest'
import { changesBetween, commitIn, listingOf } from '../../../src/cli/workspace/changes.ts'
import type { Listed } from '../../../src/cli/workspace/changes.ts'
import { changeLines, diffLines } from '../../../src/render/changes.ts'
import { PLAIN } from '../../../src/render/style.ts'

const row = (path: string, more: Partial<Listed> = {}): Listed => ({
  path,
  type: path.endsWith('/') ? 'dir' : 'file',
  mode: '0644',
  size: path.endsWith('/') ? 0 : 10,
  mtime: '1.0',
  target: '',
  ...more,
})
const folder = (path: string): Listed => row(path, { type: 'dir', size: 0, mtime: '1.0' })

describe('the changes of a workspace', () => {
  it('are what is new, what is other and what is gone, by path', () => {
    const before = [row('gone'), row('same'), row('time'), row('mode'), row('target', { type: 'link' })]
    const after = [
      row('same'),
      row('time', { mtime: '2.0', size: 12 }),
      row('mode', { mode: '0755' }),
      row('target', { type: 'link', target: 'else' }),
      row('new', { size: 3 }),
    ]
    expect(changesBetween(before, after)).toEqual([
      { path: 'gone', change: 'removed', type: 'file', before: 10 },
      { path: 'mode', change: 'modified', type: 'file', before: 10, after: 10 },
      { path: 'new', change: 'added', type: 'file', after: 3 },
      { path: 'target', change: 'modified', type: 'link', before: 10, after: 10 },
      { path: 'time', change: 'modified', type: 'file', before: 10, after: 12 },
    ])
  })

  it('have a folder that came or went as one, with what was in it', () => {
    const old = [folder('old'), row('old/a'), folder('old/deep'), row('old/deep/b')]
    const fresh = [folder('node'), folder('node/x'), row('node/x/1'), row('node/x/2', { size: 5 })]
    expect(changesBetween(old, fresh)).toEqual([
      { path: 'node', change: 'added', type: 'dir', after: 15, files: 2 },
      { path: 'old', change: 'removed', type: 'dir', before: 20, files: 2 },
    ])
  })

  it('are no more of a folder than its mode: its time says only that something in it changed', () => {
    const [before, after] = [folder('a'), { ...folder('a'), mtime: '9.0' }]
    expect(changesBetween([before], [after])).toEqual([])
    expect(changesBetween([before], [{ ...after, mode: '0700' }])).toHaveLength(1)
  })

  it('where a file became a folder are told one by one', () => {
    expect(changesBetween([row('a')], [folder('a'), row('a/b')]).map(({ path }) => path)).toEqual([
      'a',
      'a/b',
    ])
  })
})

describe('what a bottle says of its workspace', () => {
  it('is taken as far as it makes sense', () => {
    expect(listingOf('[["a","file","0644",1,"1.5",""],["b"],7,["","file","0644",1,"1",""]]')).toEqual([
      { path: 'a', type: 'file', mode: '0644', size: 1, mtime: '1.5', target: '' },
    ])
    for (const text of ['', '{', 'null', '{"a":1}', '"x"']) expect(listingOf(text)).toEqual([])
  })

  it('names a commit only as a commit is named', () => {
    const commit = 'a'.repeat(40)
    expect(commitIn(`{"commit":"${commit}"}`)).toBe(commit)
    for (const text of ['', '{}', '{"commit":"--output=/etc/x"}', '{"commit":7}', 'null'])
      expect(commitIn(text)).toBeUndefined()
  })
})

describe('shown changes', () => {
  it('are a table with how many there are', () => {
    const changes = [
      { path: 'new', change: 'added', type: 'dir', after: 1500, files: 2 },
      { path: 'src/a.ts', change: 'modified', type: 'file', before: 10, after: 20 },
      { path: 'old', change: 'removed', type: 'file', before: 5 },
    ] as const
    expect(changeLines('one', changes, PLAIN)).toEqual([
      '   PATH                 SIZE',
      'A  new/      2 files, 1.5 kB',
      'M  src/a.ts      10 B > 20 B',
      'D  old               was 5 B',
      '1 added, 1 modified, 1 removed',
    ])
    expect(changeLines('one', [], PLAIN)).toEqual(['nothing changed in the workspace of one'])
  })

  it('[HST-13] cannot steer a terminal, neither by a name nor by what a file says', () => {
    const hostile = '\u001b]52;c;AAAA\u0007\u001b[2J\r\u202edcod\u009b1m'
    const lines = [
      ...changeLines('one', [{ path: hostile, change: 'added', type: 'file', after: 1 }], PLAIN),
      ...diffLines(`diff --git a/${hostile} b/x\n+\tindented ${hostile}\n-old\n`, PLAIN),
    ]
    // oxlint-disable-next-line no-control-regex
    expect(lines.join('\n')).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    expect(lines.at(-2)).toContain('+\tindented \\u{1b}]52;c;AAAA\\u{7}')
    expect(lines.at(-1)).toBe('-old')
  })
})
