/** What a push may change, and what is left of one that may not. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { inLab } from '../lab.ts'
import type { Lab } from '../lab.ts'
import { makeKey } from '../sshd.ts'
import { KNOWN, raw, refusedPush, SECRET, upstreamRefs } from './case.ts'
import type { Case } from './case.ts'

const EVERYTHING = { allow: ['refs/heads/**'] }

/** A commit of the agent whose tree is made of these bytes; git itself would not. */
async function literalCommit(lab: Lab, tree: Buffer): Promise<string> {
  writeFileSync(join(lab.folder, 'tree'), tree)
  const made = await lab.git('hash-object', '-t', 'tree', '-w', '--literally', join(lab.folder, 'tree'))
  const commit = await lab.git('commit-tree', '-p', 'origin/main', '-m', 'x', made.out.trim())
  await lab.git('update-ref', 'refs/heads/agent/x', commit.out.trim())
  return commit.out.trim()
}

const entry = (mode: string, name: string, oid: string): Buffer =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')])

function mirrorOf(lab: Lab): string {
  const folder = join(lab.folder, 'w/r1/mirror')
  return join(folder, readdirSync(folder)[0] ?? '')
}

export const pushingCases: readonly Case[] = [
  {
    ids: ['GIT-06'],
    title: 'nothing but branches, and tags where declared, whatever a ref is called',
    control: 'ref-language',
    run: () =>
      inLab({ push: EVERYTHING }, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': 'a' })
        for (const ref of [
          'refs/notes/commits',
          'refs/pull/9/head',
          'refs/for/main',
          'refs/changes/01/1/1',
          'refs/meta/config',
          'refs/keep-around/1',
          'refs/remotes/origin/x',
          'refs/stash',
          'refs/invented/x',
          'refs/replace/x',
          'refs/tags/v2',
        ])
          // oxfmt-ignore
          await refusedPush(lab, /\[(?:ref-namespace|tags-off)\]/, () => lab.push(`HEAD:${ref}`))
        await refusedPush(lab, /ref-namespace|tags-off/, () => lab.push('--mirror'))
      }),
  },
  {
    ids: ['GIT-07'],
    title: 'a replacement is neither taken nor, where one was planted, believed',
    control: 'no-replace',
    run: () =>
      inLab({ config: { known: KNOWN } }, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': `key ${SECRET}\n` })
        const secret = (await lab.git('rev-parse', 'HEAD:a.txt')).out.trim()
        const clean = (await lab.git('rev-parse', 'HEAD:file-1.txt')).out.trim()
        await refusedPush(lab, 'ref-namespace', () => lab.push(`${clean}:refs/replace/${secret}`))
        await lab.run(['update-ref', `refs/replace/${secret}`, clean], {
          folder: mirrorOf(lab).slice(lab.folder.length + 1),
        })
        await refusedPush(lab, 'secret/env:KEY', () => lab.push())
        expect((await lab.git('fetch')).code).toBe(0)
      }),
  },
  {
    ids: ['GIT-09'],
    title: 'default branch, force and removal are judged by what the upstream has',
    control: 'ref-facts',
    run: () =>
      inLab({ push: { ...EVERYTHING, delete: true, protect: ['refs/heads/release/*'] } }, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': 'a' })
        for (const ref of ['main', 'Main', 'main/x', 'MAIN/x', 'release/1', 'Release/1'])
          await refusedPush(lab, 'ref-protected', () => lab.push(`HEAD:refs/heads/${ref}`))
        await refusedPush(lab, 'ref-protected', () => lab.push(':main'))
        await refusedPush(lab, 'ref-look-alike', () => lab.push('HEAD:refs/heads/Teammate'))
        await lab.git('checkout', '-q', '-B', 'mine', 'origin/main~2')
        await lab.git('commit', '-q', '--allow-empty', '-m', 'other')
        await refusedPush(lab, 'force-off', () => lab.push('+HEAD:refs/heads/teammate'))
        // What the agent writes into its own clone changes nothing.
        await lab.git('update-ref', 'refs/remotes/origin/HEAD', 'HEAD')
        await refusedPush(lab, 'ref-protected', () => lab.push('--force', 'HEAD:main'))
      }),
  },
  {
    ids: ['GIT-10'],
    title: 'one ref is refused, and the whole push is',
    control: 'whole-push',
    run: () =>
      inLab({}, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': 'a' })
        const refs = ['HEAD:refs/heads/agent/clean', 'HEAD:refs/heads/other']
        const { err } = await refusedPush(lab, 'ref-undeclared', () => lab.push(...refs))
        expect(err).toContain('agent/clean (bot-bottle: whole push refused')
        await refusedPush(lab, /ref-protected|ref-undeclared/, () =>
          lab.push('HEAD:agent/clean', 'HEAD:main'),
        )
      }),
  },
  {
    ids: ['GIT-11'],
    title: 'a ref that changed after it was judged is not overwritten',
    control: 'lease',
    run: () =>
      inLab({}, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': 'a' })
        expect((await lab.push()).code).toBe(0)
        const rival = await lab.commitUp('rival', 'agent/x')
        // At the upstream somebody is faster, each time just before a push is received.
        const script = join(lab.folder, 'faster')
        writeFileSync(
          script,
          `#!/bin/sh\ncase "$SSH_ORIGINAL_COMMAND" in\n*receive-pack*) git -C ${lab.upstream()} update-ref refs/heads/agent/x ${rival};;\nesac\neval "$SSH_ORIGINAL_COMMAND"\n`,
          { mode: 0o755 },
        )
        const key = makeKey(join(lab.folder, 'watched'))
        lab.sshd.allow(key.line, script)
        await lab.reconfigure({}, { identities: { origin: key.secret } })
        await lab.commit({ 'b.txt': 'b' })
        const { err, code } = await lab.push()
        expect(code).not.toBe(0)
        expect(err).toContain('[stale]')
        expect(await lab.up('rev-parse', 'agent/x')).toBe(rival)
      }),
  },
  {
    ids: ['GIT-11'],
    title: 'two pushes to one ref at once: one of them wins, and the other is told to fetch',
    run: () =>
      inLab({}, async (lab) => {
        await lab.clone()
        await lab.run(['clone', '-q', lab.url(), 'second'], { folder: '.' })
        await lab.commit({ 'a.txt': 'first' })
        await lab.run(['commit', '-q', '--allow-empty', '-m', 'second'], { folder: 'second' })
        // Each has been told of the refs before either sends its own.
        const hooks = join(lab.folder, 'hooks')
        mkdirSync(hooks)
        const met = `echo > ${hooks}/$$.here; until [ "$(ls ${hooks}/*.here | wc -l)" = 2 ]; do sleep 0.02; done`
        writeFileSync(join(hooks, 'pre-push'), `#!/bin/sh\n${met}\n`, { mode: 0o755 })
        await lab.git('config', 'core.hooksPath', hooks)
        await lab.run(['config', 'core.hooksPath', hooks], { folder: 'second' })
        const done = await Promise.all([
          lab.push('HEAD:refs/heads/agent/x'),
          lab.run(['push', 'origin', 'HEAD:refs/heads/agent/x'], { folder: 'second' }),
        ])
        expect(done.map(({ code }) => code).toSorted()).toEqual([0, 1])
        expect(done.map(({ err }) => err).join('')).toContain('[stale]')
      }),
  },
  {
    ids: ['GIT-17'],
    title: 'objects that no honest git makes are not taken, and the mirror is none the worse',
    control: 'fsck',
    run: () =>
      inLab({ push: EVERYTHING }, async (lab) => {
        await lab.clone()
        const blob = (await lab.git('rev-parse', 'origin/main:file-1.txt')).out.trim()
        const tree = (await lab.git('rev-parse', 'origin/main^{tree}')).out.trim()
        for (const [name, bytes] of [
          ['dot-dot', entry('40000', '..', tree)],
          ['.git', entry('40000', '.git', tree)],
          ['.GIT', entry('40000', '.GIT', tree)],
          ['git~1', entry('40000', 'git~1', tree)],
          ['link to modules', entry('120000', '.gitmodules', blob)],
          ['twice', Buffer.concat([entry('100644', 'a', blob), entry('100644', 'a', blob)])],
          ['a slash', entry('100644', 'a/b', blob)],
        ] as const) {
          await literalCommit(lab, bytes)
          const push = () => lab.push('refs/heads/agent/x')
          expect([name, (await refusedPush(lab, /./, push)).err]).toEqual([
            name,
            expect.stringContaining('[objects-refused]'),
          ])
        }
        expect((await lab.git('fetch')).code).toBe(0)
        await lab.commit({ 'a.txt': 'a' }, 'work', 'good')
        expect((await lab.push()).code).toBe(0)
      }),
  },
  {
    ids: ['GIT-17'],
    title: 'a push has a size, its files have one, and 100,000 commands are none',
    control: 'sizes',
    run: () =>
      inLab({ remote: { maxPack: 300_000, maxFile: 50_000 } }, async (lab) => {
        await lab.clone()
        // A file that is small in the pack.
        await lab.commit({ zeros: Buffer.alloc(20_000_000) })
        await refusedPush(lab, /file-too-large[^]*zeros has 20000000 bytes/, () => lab.push())
        await lab.git('reset', '-q', '--hard', 'origin/main')
        const noise = randomBytes(400_000)
        const files = Array.from({ length: 10 }, (_, n) => [
          `n${n}`,
          noise.subarray(n * 40_000, (n + 1) * 40_000),
        ])
        await lab.commit(Object.fromEntries(files))
        await refusedPush(lab, /pack-too-large|objects-refused/, () => lab.push())
        const line = `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/agent/x`
        const lines = `${(line.length + 4).toString(16).padStart(4, '0')}${line}`.repeat(100_000)
        const head = `POST /origin.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-receive-pack-request\r\nContent-Length: ${lines.length + 4}\r\n\r\n`
        expect(await raw(lab, `${head}${lines}0000`)).toMatch(/^HTTP\/1.1 400|^$/)
        expect((await lab.git('fetch')).code).toBe(0)
      }),
  },
  {
    ids: ['GIT-29'],
    title: 'paths that run by themselves are flagged, also when a later commit takes them back',
    control: 'flag-paths',
    run: () =>
      inLab({ push: { flag: ['.github/workflows/**', '**/.envrc'] } }, async (lab) => {
        await lab.clone()
        await lab.commit({ '.github/workflows/ci.yml': 'on: push\n', 'deep/down/.ENVRC': 'x\n' })
        await lab.git('rm', '-q', '-r', '.github')
        await lab.git('commit', '-q', '-m', 'clean')
        const { code, err } = await lab.push()
        expect(code).toBe(0)
        expect(err).toContain('flagged path .github/workflows/ci.yml')
        expect(err).toContain('flagged path deep/down/.ENVRC')
        expect(lab.lines.at(-1)).toMatchObject({
          decision: 'allow',
          rule: 'path-flagged',
          method: 'git-push',
        })
      }),
  },
  {
    ids: ['GIT-30'],
    title: 'a push out of a shallow or partial clone, an atomic and a signed one',
    run: () =>
      inLab({ config: { known: KNOWN } }, async (lab) => {
        await lab.clone('--depth=1', '--filter=blob:none')
        await lab.commit({ 'a.txt': 'a' })
        expect((await lab.push('--atomic', 'HEAD:refs/heads/agent/x', 'HEAD:refs/heads/agent/y')).code).toBe(
          0,
        )
        expect(await lab.up('rev-list', '--count', 'agent/x')).toBe('4')
        await lab.commit({ 'b.txt': SECRET }, 'work', 'agent/z')
        await refusedPush(lab, 'secret/env:KEY', () => lab.push())
        const signed = await lab.push('--signed', 'HEAD')
        expect(signed.err).toContain('does not support --signed')
      }),
  },
  {
    ids: [],
    title: 'author and committer have to be the declared ones where a remote says so',
    control: 'require-identity',
    run: () =>
      inLab({ remote: { requireIdentity: { name: 'Agent', email: 'agent@bottle.test' } } }, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': 'a' })
        expect((await lab.push()).code).toBe(0)
        const options = ['commit', '-q', '--allow-empty', '-m', 'x']
        for (const env of [
          { GIT_AUTHOR_EMAIL: 'ceo@team.test' },
          { GIT_COMMITTER_NAME: 'Human' },
          { GIT_AUTHOR_NAME: 'agent' },
        ]) {
          await lab.run(options, { env })
          // A later commit by the declared one hides nothing.
          await lab.run(options)
          await refusedPush(lab, 'identity-required', () => lab.push())
          await lab.git('reset', '-q', '--hard', 'origin/agent/x')
        }
        expect(await upstreamRefs(lab)).toContain('refs/heads/agent/x')
      }),
  },
]
