import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openWorkspace } from '../../../src/cli/workspace/workspace.ts'
import type { WorkspaceRequest } from '../../../src/cli/workspace/workspace.ts'
import { found } from '../../../src/manifest/folder.ts'

let folder = ''
let source = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bb-workspace-'))
  source = join(folder, 'source')
  mkdirSync(source)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(path: string, text = path, mode = 0o644): void {
  mkdirSync(dirname(join(source, path)), { recursive: true })
  writeFileSync(join(source, path), text)
  chmodSync(join(source, path), mode)
}

function git(...args: readonly string[]): string {
  const author = ['-c', 'user.name=Ann', '-c', 'user.email=ann@acme.example']
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' }
  return execFileSync('git', [...author, ...args], { cwd: source, env, encoding: 'utf8' }).trim()
}

function open(more: Partial<WorkspaceRequest> = {}) {
  return openWorkspace({ source, mode: 'copy', git: false, never: [], home: '/home/nobody', ...more })
}

/** What arrives, unpacked by another program. */
async function arrived(more: Partial<WorkspaceRequest> = {}): Promise<string> {
  const there = join(folder, 'there')
  mkdirSync(there)
  const packed = await buffer(open(more).pack(() => {}))
  execFileSync('tar', ['-xf', '-', '-C', there], { input: packed })
  return there
}

const namesIn = (root: string): readonly string[] => [...found(root)].map(({ path }) => path)

describe('a workspace that is copied', () => {
  it('has the files of its source with their modes, and the links that stay inside', async () => {
    write('src/main.ts', 'main')
    write('run.sh', '#!/bin/sh', 0o755)
    mkdirSync(join(source, 'empty'))
    symlinkSync('src/main.ts', join(source, 'link'))
    const there = await arrived()
    expect(namesIn(there)).toEqual(['empty', 'link', 'run.sh', 'src', 'src/main.ts'])
    expect(readFileSync(join(there, 'link'), 'utf8')).toBe('main')
    expect(statSync(join(there, 'run.sh')).mode & 0o777).toBe(0o755)
  })

  it('is measured before it is copied, with what is left out and why', () => {
    write('a', 'four')
    write('sub/b', 'sixsix')
    mkdirSync(join(source, 'vendored/.git'), { recursive: true })
    symlinkSync('/etc/passwd', join(source, 'sub/out'))
    symlinkSync('../..', join(source, 'sub/up'))
    execFileSync('mkfifo', [join(source, 'pipe')])
    write('.envrc')
    write('sub/.claude/settings.json')
    expect(open().measure()).toEqual({
      files: 4,
      bytes: 10 + '.envrc'.length + 'sub/.claude/settings.json'.length,
      leftOut: { links: ['sub/out', 'sub/up'], others: ['pipe'], repositories: ['vendored'] },
      settings: ['.envrc', 'sub/.claude/settings.json'],
    })
  })

  it('has nothing that an ignore file of its source leaves out; `.botbottleignore` has the last word', async () => {
    write('.gitignore', 'node_modules/\n*.log\n')
    write('.botbottleignore', 'secret.txt\n!wanted.log\n')
    write('sub/.gitignore', '/own\n')
    for (const path of ['node_modules/x/y.js', 'a.log', 'wanted.log', 'secret.txt', 'sub/own', 'sub/kept'])
      write(path)
    expect(namesIn(await arrived())).toEqual([
      '.botbottleignore',
      '.gitignore',
      'sub',
      'sub/.gitignore',
      'sub/kept',
      'wanted.log',
    ])
  })

  it('never has the state of this program, wherever that lies', async () => {
    write('state/keys/origin', 'private')
    write('kept')
    const never = [join(source, 'state')]
    expect(namesIn(await arrived({ never }))).toEqual(['kept', 'state'])
  })

  it.each([
    ['the home folder of the user', () => ({ home: source })],
    ['a folder above it', () => ({ home: join(source, 'ann') })],
  ])('is not made of %s', (_what, more) => {
    mkdirSync(join(source, 'ann'))
    expect(() => open(more())).toThrow('is your home folder, or above it')
  })

  it('is not made of what is no folder', () => {
    expect(() => open({ source: join(folder, 'none') })).toThrow('none is not a folder')
  })
})

describe('a workspace whose files change while it is copied', () => {
  it('has the sizes that were told, with zeros where a file shrank', async () => {
    write('a', 'x'.repeat(2_000_000))
    const packed = open().pack(() => writeFileSync(join(source, 'a'), 'short'))
    const { length } = await buffer(packed)
    expect(length).toBe(512 + Math.ceil(2_000_000 / 512) * 512 + 1024)
  })
})

describe('a workspace with its repository', () => {
  beforeEach(() => {
    git('init', '--quiet', '--initial-branch=main')
    write('a', 'committed')
    git('add', '.')
    git('commit', '--quiet', '--message=first')
    write('a', 'changed')
    write('new')
  })

  /** What git says of what arrived. */
  const inThere = (there: string, ...args: readonly string[]): string =>
    execFileSync('git', args, {
      cwd: there,
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nowhere' },
      encoding: 'utf8',
    }).trim()

  it('is as the source is: commits, branches, and what is not committed yet', async () => {
    git('branch', 'other')
    git('pack-refs', '--all')
    const there = await arrived({ git: true })
    expect(inThere(there, 'log', '--format=%s', 'other')).toBe('first')
    expect(inThere(there, 'status', '--porcelain')).toBe('M a\n?? new')
    expect(open({ git: true }).commit()).toBe(git('rev-parse', 'HEAD'))
  })

  it('has no repository where it does not ask for one', async () => {
    expect(readdirSync(await arrived())).toEqual(['a', 'new'])
  })

  it('[ISO-02] brings neither hooks nor settings of the host, and runs nothing to be read', async () => {
    const canary = join(folder, 'ran')
    const program = join(folder, 'program')
    writeFileSync(program, `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 })
    for (const hook of ['pre-commit', 'post-checkout', 'post-index-change'])
      linkSync(program, join(source, '.git/hooks', hook))
    git('config', 'core.fsmonitor', program)
    git('config', 'filter.x.clean', program)
    git('config', 'http.https://forge.example/.extraheader', 'AUTHORIZATION: basic c2VjcmV0')
    git('remote', 'add', 'origin', 'https://ann:token@forge.example/app.git')
    writeFileSync(join(source, '.gitattributes'), '* filter=x\n')
    // Control: git itself runs them.
    git('status')
    expect(existsSync(canary)).toBe(true)
    rmSync(canary)
    const workspace = open({ git: true })
    workspace.measure()
    const there = await arrived({ git: true })
    expect(existsSync(canary)).toBe(false)
    expect(existsSync(join(there, '.git/hooks'))).toBe(false)
    const config = readFileSync(join(there, '.git/config'), 'utf8')
    expect(config).not.toMatch(/token|c2VjcmV0|program|forge/)
    expect(inThere(there, 'log', '--format=%s')).toBe('first')
  })

  it('can be a worktree, with the branch that is checked out there', async () => {
    const worktree = join(folder, 'worktree')
    git('worktree', 'add', '--quiet', '-b', 'side', worktree)
    source = worktree
    const there = await arrived({ git: true })
    expect(inThere(there, 'branch', '--show-current')).toBe('side')
    expect(inThere(there, 'status', '--porcelain')).toBe('')
  })

  it('is not taken from where a file says, unless that repository says the same of it', () => {
    const other = join(folder, 'other')
    mkdirSync(other)
    writeFileSync(join(other, '.git'), `gitdir: ${join(source, '.git')}\n`)
    expect(() => open({ source: other, git: true })).toThrow('is no worktree that its repository knows')
  })

  it.each([
    ['has none', () => rmSync(join(source, '.git'), { recursive: true }), 'has no git repository'],
    [
      'borrows its commits',
      () => writeFileSync(join(source, '.git/objects/info/alternates'), '/else'),
      'borrows commits',
    ],
    ['is half there', () => git('config', 'remote.origin.partialclone', 'true'), 'is a partial clone'],
  ])('is refused where the source %s', (_what, change, message) => {
    change()
    expect(() => open({ git: true })).toThrow(message)
  })

  it('that is cloned is the repository alone: what is committed, and no file that is not', async () => {
    const there = await arrived({ mode: 'clone' })
    expect(readdirSync(there)).toEqual(['.git'])
    inThere(there, 'reset', '--quiet', '--hard')
    expect(readFileSync(join(there, 'a'), 'utf8')).toBe('committed')
    expect(readdirSync(there)).toEqual(['.git', 'a'])
  })
})
