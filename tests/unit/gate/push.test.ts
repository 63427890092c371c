import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { seeded, writeSample } from '../../../sidecars/detect/samples.ts'
import { KNOWN, refusedPush, SECRET, upstreamRefs } from './cases/case.ts'
import { inLab } from './lab.ts'
import type { Lab } from './lab.ts'
import { noSshd } from './sshd.ts'

if (noSshd !== undefined) process.stdout.write(`pushes through the git gate: skipped, ${noSshd}\n`)

const known = { config: { known: KNOWN } }
const token = writeSample(['glp', 'at-{base62:20}'], seeded('push'))
const lefts = (lab: Lab): readonly string[] =>
  readdirSync(join(lab.folder, 'w'), { recursive: true })
    .map(String)
    .filter((name) => /\.lock$|tmp_|push-/.test(name))

/** What runs at the upstream when it receives. */
function upstreamHook(lab: Lab, hook: 'pre-receive' | 'update' | 'post-receive', script: string): void {
  writeFileSync(join(lab.upstream(), 'hooks', hook), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

describe.skipIf(noSshd !== undefined)('a push that is declared', () => {
  test('reaches the upstream as it is, and the next fetch has it', () =>
    inLab(known, async (lab) => {
      await lab.clone()
      await lab.commit({ 'a.txt': 'one\n', 'b.bin': randomBytes(3_000_000) })
      expect((await lab.push()).code).toBe(0)
      const head = (await lab.git('rev-parse', 'HEAD')).out.trim()
      expect(await lab.up('rev-parse', 'agent/x')).toBe(head)
      expect(await lab.up('fsck', '--strict', '--full')).not.toContain('missing')
      expect((await lab.git('ls-remote', 'origin', 'agent/x')).out).toContain(head)
      expect(lab.lines.at(-2)).toMatchObject({
        bottle: 'implementer',
        generation: 1,
        decision: 'allow',
        rule: 'push',
        method: 'git-push',
        path: '/origin.git refs/heads/agent/x',
      })
      expect(lefts(lab)).toEqual([])
    }))

  test.each([
    ['what was listed for it a moment ago', 600_000, 2],
    ['what is listed anew where that is too old', -1, 3],
  ])('is judged by %s', (_, freshMs, asked) =>
    inLab({ limits: { freshMs } }, async (lab) => {
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' })
      const before = lab.sshd.said.split('Starting session').length
      expect((await lab.push()).code).toBe(0)
      expect(lab.sshd.said.split('Starting session').length - before).toBe(asked)
    }),
  )

  test('may force, delete, and move tags where that is declared', () =>
    inLab({ push: { force: true, delete: true, tags: true } }, async (lab) => {
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' })
      await lab.git('tag', '-a', '-m', 'x', 'v2')
      expect((await lab.push('HEAD', 'v2')).code).toBe(0)
      await lab.git('commit', '-q', '--amend', '-m', 'other')
      await lab.git('tag', '-f', 'v2')
      expect((await lab.push('+HEAD', '+v2')).code).toBe(0)
      expect(await lab.up('rev-parse', 'v2')).toBe((await lab.git('rev-parse', 'HEAD')).out.trim())
      expect((await lab.push(':agent/x', ':v2')).code).toBe(0)
      expect(await upstreamRefs(lab)).not.toMatch(/agent|v2/)
    }))

  test('of a commit that the upstream has, under a new name', () =>
    inLab(known, async (lab) => {
      await lab.clone()
      expect((await lab.push('origin/main:refs/heads/agent/same')).code).toBe(0)
      expect(await lab.up('rev-parse', 'agent/same')).toBe(await lab.up('rev-parse', 'main'))
    }))

  test('shows what the upstream says, made safe', () =>
    inLab({}, async (lab) => {
      upstreamHook(lab, 'post-receive', 'printf "open a pull request\\n\\033[2Jx\\n"')
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' })
      const { err } = await lab.push()
      expect(err).toContain('remote: upstream: open a pull request')
      expect(err).toContain('\\u{1b}[2Jx')
    }))
})

describe.skipIf(noSshd !== undefined)('a push that the upstream turns down', () => {
  test('is told with its reason, and of several refs none is changed', () =>
    inLab({}, async (lab) => {
      upstreamHook(lab, 'update', 'case "$1" in *bad) echo no such luck; exit 1;; esac')
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' })
      const push = () => lab.push('HEAD:refs/heads/agent/good', 'HEAD:refs/heads/agent/bad')
      const { err } = await refusedPush(lab, 'upstream-refused', push)
      expect(err).toContain('refs/heads/agent/bad: the upstream says [remote rejected] (hook declined)')
    }))

  test('when it cannot be reached any more', () =>
    inLab({ limits: { link: { connectMs: 10_000, keptMs: 1 } } }, async (lab) => {
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' })
      await expect.poll(() => lab.sshd.said, { timeout: 20_000 }).toContain('Closing connection to')
      lab.refuseDial = 'connect-failed'
      const { err, code } = await lab.push()
      expect(code).not.toBe(0)
      expect(err).toContain('cannot be reached (connect-failed)')
      expect(lefts(lab)).toEqual([])
    }))
})

describe.skipIf(noSshd !== undefined)('a finding', () => {
  test('is told with rule, file, line and commit, without itself', () =>
    inLab(known, async (lab) => {
      await lab.clone()
      await lab.commit({ 'src/config.ts': `// one\n// two\nexport const key = '${token}'\n` })
      const commit = (await lab.git('rev-parse', 'HEAD')).out.slice(0, 12)
      await lab.commit({ 'src/config.ts': '// clean\n' })
      const { err } = await refusedPush(lab, 'gitlab', () => lab.push())
      expect(err).toContain(`[token/gitlab-pat] in src/config.ts:3 (commit ${commit})`)
      expect(err).toContain("export const key = '****'")
      expect(err).not.toContain(token.slice(6))
      expect(err).toContain('! [remote rejected] HEAD -> agent/x (bot-bottle: secret found)')
      expect(lab.lines.at(-1)).toMatchObject({ decision: 'deny', rule: 'token/gitlab-pat' })
      expect(JSON.stringify(lab.lines)).not.toContain(token)
    }))

  test('is a warning where the remote says so, and nothing where scanning is off', () =>
    inLab({ ...known, push: { scan: 'warn' } }, async (lab) => {
      await lab.clone()
      await lab.commit({ 'a.txt': SECRET })
      const warned = await lab.push()
      expect(warned.code).toBe(0)
      expect(warned.err).toContain('warning [secret/env:KEY] in a.txt:1')
      expect(lab.lines.at(-1)).toMatchObject({ decision: 'allow', rule: 'secret/env:KEY' })
      await lab.reconfigure({ push: { ...lab.remote.push, scan: 'off' } })
      await lab.commit({ 'b.txt': SECRET })
      expect((await lab.push()).err).not.toContain('env:KEY')
      await lab.reconfigure({ push: { ...lab.remote.push, scan: 'supervise' } })
      await lab.commit({ 'c.txt': `again ${SECRET}` })
      await refusedPush(lab, 'secret/env:KEY', () => lab.push())
    }))

  test('in a file too large to be held, also where two pieces meet', () =>
    inLab(known, async (lab) => {
      await lab.clone()
      const large = Buffer.alloc(18 * 1024 * 1024, 'word \n')
      for (const at of [1024 * 1024 - 10, 17 * 1024 * 1024]) {
        const bytes = Buffer.from(large)
        bytes.write(`\n${SECRET}\n`, at)
        await lab.git('checkout', '-q', '-f', '-B', 'agent/x', 'origin/main')
        await lab.commit({ 'large.txt': bytes })
        await refusedPush(lab, /\[secret\/env:KEY\] in large\.txt:\d{6}/, () =>
          lab.push('HEAD:refs/heads/agent/x'),
        )
      }
    }))
})

describe.skipIf(noSshd !== undefined)('a push is nobody else’s trouble', () => {
  test('a client that is killed in the middle leaves nothing, and the next one goes through', () =>
    inLab({ limits: { stalledMs: 2000 } }, async (lab) => {
      await lab.clone()
      await lab.commit({ 'a.bin': randomBytes(8_000_000) })
      const before = await upstreamRefs(lab)
      const child = spawn('git', ['push', 'origin', 'HEAD'], {
        cwd: join(lab.folder, 'agent'),
        env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null' },
        stdio: 'ignore',
        detached: true,
      })
      await expect.poll(() => lefts(lab).length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0)
      process.kill(-(child.pid ?? 0), 'SIGKILL')
      await expect.poll(() => lefts(lab), { timeout: 20_000 }).toEqual([])
      expect(await upstreamRefs(lab)).toBe(before)
      expect((await lab.push()).code).toBe(0)
    }))

  test('while the upstream is slow to take one, fetches go on, and so does another remote', () =>
    inLab({}, async (lab) => {
      const go = join(lab.folder, 'go')
      upstreamHook(lab, 'pre-receive', `touch ${go}.waits; while ! test -e ${go}; do sleep 0.05; done`)
      await lab.run(['clone', '-q', '--bare', 'up.git', 'other.git'], { folder: '.' })
      const { identities } = lab.config
      const other = { ...lab.remote, name: 'other', url: { ...lab.remote.url, path: lab.upstream('other') } }
      await lab.reconfigure(
        {},
        {
          remotes: [lab.remote, other],
          identities: { ...identities, other: identities['origin'] ?? '' },
        },
      )
      await lab.clone()
      await lab.commit({ 'a.txt': 'one' })
      const slow = lab.push()
      await expect.poll(() => readdirSync(lab.folder), { timeout: 20_000 }).toContain('go.waits')
      expect((await lab.git('fetch')).code).toBe(0)
      expect((await lab.git('push', lab.url('other'), 'HEAD:refs/heads/agent/x')).code).toBe(0)
      writeFileSync(go, '')
      expect((await slow).code).toBe(0)
    }))

  test('more requests than the gate works for at one time are told to wait', () =>
    inLab({ limits: { working: 0 } }, async (lab) => {
      expect((await lab.clone()).err).toContain('too many requests at this gate')
    }))
})
