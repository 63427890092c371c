/** What an agent finds in its bottle, and what it made of it: workspace, prompt and skills through the program itself. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import { openProgram } from './program.ts'
import type { Program } from './program.ts'

let program: Program
beforeAll(() => void (program = openProgram('work')))
afterAll(async () => {
  await program.run('destroy --yes')
  program.dispose()
})

function write(path: string, text: string, mode = 0o644): void {
  const full = join(program.folder, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, text, { mode })
}

function git(folder: string, ...args: readonly string[]): string {
  const author = ['-c', 'user.name=Ann', '-c', 'user.email=ann@acme.example']
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nowhere', GIT_CONFIG_NOSYSTEM: '1' }
  const cwd = join(program.folder, folder)
  return execFileSync('git', [...author, ...args], { cwd, env, encoding: 'utf8' }).trim()
}

const manifest = (agents: string, more = ''): void =>
  program.manifest(
    [
      'bottles:',
      '  dev: { workspace: { source: app, git: true }, resources: { memory: 256MiB } }',
      '  copied: { extends: dev, workspace: { mode: clone } }',
      `  empty: { resources: { memory: 256MiB }${more} }`,
      'agents:',
      agents,
      '',
    ].join('\n'),
  )
const inBottle = async (bottle: string, script: string): Promise<string> =>
  (await program.must(['exec', bottle, '--', 'sh', '-c', script])).out
const startedAt = (bottle: string): string =>
  docker('inspect', '-f', '{{.Id}} {{.State.StartedAt}}', liveNames.agent(program.stack, bottle))

const ONE = '  one: { bottle: dev, prompt: { file: prompt.md }, skills: [review] }'
const THREE = [ONE, '  two: { bottle: copied }', '  three: { bottle: empty }'].join('\n')

describe('a new bottle', () => {
  it('is filled before anything runs in it, as the agent’s own; the plan says with how much', async () => {
    write('app/src/main.ts', 'main\n')
    write('app/run.sh', '#!/bin/sh\n', 0o755)
    write('app/.gitignore', 'node_modules/\n.env\n')
    write('app/.env', 'TOKEN=secret\n')
    write('app/node_modules/x/index.js', 'x\n')
    write('app/.envrc', 'touch /tmp/ran\n')
    git('app', 'init', '--quiet', '--initial-branch=main')
    git('app', 'add', '.')
    git('app', 'commit', '--quiet', '--message=first')
    write('app/src/main.ts', 'changed\n')
    symlinkSync('/etc/passwd', join(program.folder, 'app', 'out'))
    write('prompt.md', 'Review.\n')
    write('home/skills/review/SKILL.md', '# Review\n')
    write('home/skills/review/bin/look', '#!/bin/sh\n', 0o755)
    manifest(THREE)
    const { out } = await program.run('diff')
    expect(out).toMatch(/workspace of one: filled from app, \d+ files, [\d.]+ k?B\n/)
    expect(out).toContain('workspace of one: left out, links that lead out of it: out\n')
    expect(out).toContain('settings that programs in the bottle may obey: .envrc\n')
    expect(out).not.toContain('Review.')
    await program.must('apply')
    expect((await program.run('diff')).code).toBe(0)
    expect(await inBottle('one', 'find . -not -user 1000; ls -A; cat src/main.ts; git status --short')).toBe(
      ['.envrc', '.git', '.gitignore', 'run.sh', 'src', 'changed', ' M src/main.ts', ''].join('\n'),
    )
    expect(await inBottle('one', 'stat -c "%a %u" run.sh .')).toBe('755 1000\n755 1000\n')
  })

  it('has its prompt and its skills where an agent may read and run them', async () => {
    expect(await inBottle('one', 'cd ~/.config/bot-bottle; cat prompt.md skills/review/SKILL.md')).toBe(
      'Review.\n# Review\n',
    )
    expect(await inBottle('one', 'stat -c "%a %u" ~/.config/bot-bottle/skills/review/bin/look')).toBe(
      '755 1000\n',
    )
  })

  it('of a clone has what is committed and its history; one without a workspace has nothing', async () => {
    expect(await inBottle('two', 'cat src/main.ts; git log --format=%s; git status --short; ls')).toBe(
      'main\nfirst\nrun.sh\nsrc\n',
    )
    expect(await inBottle('three', 'ls -A')).toBe('')
  })
})

describe('an edit', () => {
  it('of prompt and skills is there at once, takes away what is gone, and the agent keeps running', async () => {
    const before = startedAt('one')
    write('prompt.md', 'Review again.\n')
    rmSync(join(program.folder, 'home/skills/review/bin'), { recursive: true })
    const { out } = await program.must('apply')
    expect(out).toContain('used from the next start, agent keeps running')
    expect(await inBottle('one', 'cd ~/.config/bot-bottle; cat prompt.md; find skills -type f')).toBe(
      'Review again.\nskills/review/SKILL.md\n',
    )
    manifest(THREE.replace(', prompt: { file: prompt.md }, skills: [review]', ''))
    await program.must('apply')
    expect(await inBottle('one', 'cd ~/.config/bot-bottle; ls; ls skills')).toBe(
      'provisioned.json\nskills\nworkspace.json\n',
    )
    expect(startedAt('one')).toBe(before)
    manifest(THREE)
    await program.must('apply')
  })

  it('of the source’s files is none: the workspace is the agent’s, whatever restarts or is made anew', async () => {
    await inBottle('one', 'echo mine > src/main.ts; rm run.sh')
    write('app/src/main.ts', 'later\n')
    expect((await program.run('diff')).code).toBe(0)
    manifest(THREE, ', label: x')
    docker('rm', '-f', liveNames.agent(program.stack, 'one'))
    await program.must('apply --yes')
    expect(await inBottle('one', 'cat src/main.ts; ls')).toBe('mine\nsrc\n')
  })

  it('of source or mode makes the container anew, keeps the work, and fills what is still empty', async () => {
    program.manifest(
      [
        'bottles:',
        '  dev: { workspace: { source: app, mode: clone }, resources: { memory: 256MiB } }',
        `agents:\n${THREE.replaceAll(/bottle: (copied|empty)/g, 'bottle: dev')}\n`,
      ].join('\n'),
    )
    const { out } = await program.run('diff')
    expect(out).toContain('bottle/one: what is in its workspace stays')
    await program.must('apply --yes')
    expect(await inBottle('one', 'cat src/main.ts; ls')).toBe('mine\nsrc\n')
    expect(await inBottle('three', 'cat src/main.ts; ls')).toBe('main\nrun.sh\nsrc\n')
  })

  it('that finds files of the agent in a workspace that was never filled leaves them alone', async () => {
    program.manifest('bottles:\n  four: { resources: { memory: 256MiB } }\n')
    await program.must('apply --yes')
    await inBottle('four', 'echo own > own')
    program.manifest('bottles:\n  four: { workspace: { source: app }, resources: { memory: 256MiB } }\n')
    expect((await program.must('apply --yes')).err).toContain('the workspace has files and was not filled')
    expect(await inBottle('four', 'ls -A')).toBe('own\n')
  })
})

describe('an interrupted copy', () => {
  it('begins again with the next apply, and no agent starts before it is whole', async () => {
    for (let index = 0; index < 400; index++) write(`large/${index}`, `${index}`.repeat(50_000))
    program.manifest('bottles:\n  five: { workspace: { source: large }, resources: { memory: 256MiB } }\n')
    const started = program.start('apply --yes --output events')
    await started.says('filling the workspace')
    started.child.kill('SIGKILL')
    await started.ended
    expect((await program.run('diff')).out).toContain('+ guest/five')
    expect(Number(await inBottle('five', 'ls | wc -l'))).toBeLessThan(400)
    await program.must('apply --yes')
    expect(await inBottle('five', 'ls | wc -l; find . -name ".bb-guest*"')).toBe('400\n')
    expect(await inBottle('five', 'wc -c < 399')).toBe('150000\n')
  })
})

describe('changes', () => {
  it('are what the agent did since: as git tells it, as a list, and as JSON', async () => {
    manifest(ONE)
    await program.must('apply --yes')
    await program.must('destroy one --yes')
    await program.must('apply --yes')
    expect((await program.must('changes one')).out).toBe('nothing changed in the workspace of one\n')
    await inBottle(
      'one',
      'echo agent >> src/main.ts; rm run.sh; mkdir -p new node_modules/y; echo 1 > new/a; echo 2 > node_modules/y/z; git -c user.name=a -c user.email=a@b commit -qam work',
    )
    const diff = (await program.must('changes one')).out
    expect(diff).toContain('--- a/src/main.ts\n+++ b/src/main.ts\n')
    expect(diff).toContain('\n+agent\n')
    expect(diff).toContain('deleted file mode 100755\n')
    expect(diff).toContain('+++ b/new/a\n')
    expect(diff).not.toContain('node_modules')
    const list = (await program.must('changes one --stat')).out
    expect(list).toMatch(/^A {2}new\/ +1 file, 2 B$/m)
    expect(list).toMatch(/^D {2}run\.sh +was 10 B$/m)
    expect(list).toContain('2 added, 1 modified, 1 removed')
    const { changes } = JSON.parse((await program.must('changes one --output json')).out) as {
      readonly changes: readonly { readonly path: string }[]
    }
    expect(changes.map(({ path }) => path)).toEqual(['new', 'node_modules', 'run.sh', 'src/main.ts'])
    expect(await inBottle('one', 'ls -A /tmp; git status --short')).toBe('?? new/\n')
    manifest('  other: { bottle: empty }')
    expect((await program.run('diff')).out).toContain(
      'bottle/one: lost with it: 4 changed files in its workspace, 1 commit that nobody pushed\n',
    )
    manifest(ONE)
  })

  it('run nothing of a workspace here, beside whatever the agent left in it', async () => {
    const canary = join(program.folder, 'ran')
    const script = `#!/bin/sh\ntouch ${canary}\n`
    write('bin/git', script, 0o755)
    const settings = JSON.stringify({ hooks: { SessionStart: [{ command: `touch ${canary}` }] } })
    await inBottle(
      'one',
      [
        'mkdir -p .claude .vscode .git/hooks',
        `echo '${settings}' > .claude/settings.json`,
        `echo '${settings}' > .vscode/tasks.json`,
        `printf '#!/bin/sh\\ntouch ${canary}\\n' > .git/hooks/post-index-change`,
        'chmod +x .git/hooks/post-index-change',
        `git config core.fsmonitor "touch ${canary}"`,
        `git config diff.external "touch ${canary}"`,
        `echo "touch ${canary}" > .envrc`,
        'printf "x\\033]52;c;AAAA\\007" > "$(printf "a\\033[2Jb")"',
      ].join('; '),
    )
    const env = { PATH: `${join(program.folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` }
    for (const args of [
      'changes one',
      'changes one --stat',
      'changes one --output json',
      'diff',
      'status',
      'logs one',
      'cp one:/workspace back',
      'apply --yes',
    ]) {
      const { code, stdout, err } = await program.run(args, { env })
      expect([args, code, code === 0 ? '' : err]).toEqual([args, 0, ''])
      expect(stdout.includes('\u001b') || err.includes('\u001b'), args).toBe(false)
    }
    expect(existsSync(join(program.folder, 'back', '.git', 'hooks', 'post-index-change'))).toBe(true)
    expect(existsSync(canary)).toBe(false)
  })
})
