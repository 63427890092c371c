/** What is served, under which names, from where. */
import { mkdirSync, readdirSync, writeFileSync, existsSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { fingerprintOf } from '../../../../sidecars/gate/ssh.ts'
import { inLab } from '../lab.ts'
import type { Lab } from '../lab.ts'
import { makeKey } from '../sshd.ts'
import { get, raw, statusOf } from './case.ts'
import type { Case } from './case.ts'

const REFS = '/info/refs?service=git-upload-pack'

/** A user configuration that git would read if it read any. */
async function withUserConfig(lab: Lab, text: string, body: () => Promise<void>): Promise<void> {
  const home = join(lab.folder, 'home')
  mkdirSync(home)
  writeFileSync(join(home, '.gitconfig'), text)
  const usual = process.env['HOME']
  process.env['HOME'] = home
  try {
    await body()
  } finally {
    if (usual === undefined) delete process.env['HOME']
    else process.env['HOME'] = usual
  }
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true }).map(String)
}

export const servingCases: readonly Case[] = [
  {
    ids: ['GIT-01'],
    title: 'a name that is not declared is unknown, in the same words whatever exists elsewhere',
    control: 'declared-names',
    run: () =>
      inLab({}, async (lab) => {
        const answers = new Set<string>()
        for (const name of ['up', 'other', 'acme/app', 'origi', 'origin2'])
          answers.add(await get(lab, `/${name}.git${REFS}`))
        answers.add(await get(lab, '/'))
        expect([...answers].map(statusOf)).toEqual([404])
        const { err } = await lab.run(['clone', lab.url('up'), 'agent'], { folder: '.' })
        expect(err).toContain('remote: bot-bottle: no such repository behind this gate. Declared: origin.')
        expect(lab.dialled).toEqual([])
      }),
  },
  {
    ids: ['GIT-02'],
    title: 'a path is looked up, never walked',
    control: 'declared-names',
    run: () =>
      inLab({}, async (lab) => {
        for (const path of [
          '/origin.git/../../etc/passwd',
          '/%2e%2e%2forigin.git/info/refs?service=git-upload-pack',
          '/%2e%2e/up.git/info/refs?service=git-upload-pack',
          '//origin.git/info/refs?service=git-upload-pack',
          '/origin.git/./info/refs?service=git-upload-pack',
          '/origin%00.git/info/refs?service=git-upload-pack',
          '/ORIGIN.git/info/refs?service=git-upload-pack',
          '/~root.git/info/refs?service=git-upload-pack',
          `${lab.upstream()}/info/refs?service=git-upload-pack`,
          '/origin/info/refs?service=git-upload-pack',
        ])
          // oxfmt-ignore
          expect([path, statusOf(await get(lab, path))]).toEqual([path, 404])
        expect(statusOf(await get(lab, `/origin\0.git${REFS}`))).toBe(400)
        expect(await raw(lab, 'git-upload-pack /origin.git\0host=a\0\0version=2\0\r\n\r\n')).toContain(
          ' 400 ',
        )
        expect(lab.dialled).toEqual([])
      }),
  },
  {
    ids: ['GIT-03'],
    title: 'no file of the mirror is served, and what is not git’s smart protocol is refused in words',
    run: () =>
      inLab({}, async (lab) => {
        await lab.clone()
        for (const path of [
          'config',
          'HEAD',
          'packed-refs',
          'description',
          'objects/info/alternates',
          'objects/info/packs',
          'refs/heads/main',
          'hooks/pre-receive',
          'info/exclude',
          'objects/pack/',
          'info/refs',
        ])
          // oxfmt-ignore
          expect([path, statusOf(await get(lab, `/origin.git/${path}`))]).toEqual([path, 404])
        const archive = await lab.run(['archive', `--remote=${lab.url()}`, 'main'])
        expect(archive.code).not.toBe(0)
        const lfs = await raw(
          lab,
          'POST /origin.git/info/lfs/objects/batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
        )
        expect(lfs).toContain('HTTP/1.1 403')
        expect(lfs).toContain('Git LFS is not served')
        expect(await get(lab, '/origin.git/info/refs?service=git-upload-archive')).toContain(
          'git archive is not',
        )
      }),
  },
  {
    ids: ['GIT-05'],
    title: 'configuration, hooks and options that somebody wrote are not followed',
    control: 'hermetic-git',
    run: () =>
      inLab({}, async (lab) => {
        const hooks = join(lab.folder, 'hooks')
        const mark = join(lab.folder, 'ran')
        mkdirSync(hooks)
        for (const hook of ['reference-transaction', 'pre-push', 'pre-receive', 'post-checkout'])
          writeFileSync(join(hooks, hook), `#!/bin/sh\necho ${hook} >> ${mark}\n`, { mode: 0o755 })
        await withUserConfig(lab, `[core]\n  hooksPath = ${hooks}\n`, async () => {
          await lab.clone()
          await lab.commit({ config: '[core]\n  x = y\n', 'hooks/pre-receive': '#!/bin/sh\nexit 1\n' })
          expect((await lab.push()).code).toBe(0)
        })
        expect(existsSync(mark)).toBe(false)
        const options = await lab.git('push', '-o', '$(id)', 'origin', 'HEAD:refs/heads/agent/o')
        expect(options.err).toContain('does not support push options')
      }),
  },
  {
    ids: ['GIT-18'],
    title: 'no transport but the declared one, whatever a configuration rewrites',
    control: 'hermetic-git',
    run: () =>
      inLab({}, async (lab) => {
        await lab.run(['clone', '-q', '--bare', 'up.git', 'trap.git'], { folder: '.' })
        await lab.run(['branch', 'trapped', 'main'], { folder: 'trap.git' })
        const text = `[url "file://${lab.upstream('trap')}"]\n  insteadOf = ssh://upstream${lab.upstream()}\n`
        await withUserConfig(lab, text, async () => {
          await lab.clone()
          expect((await lab.git('ls-remote', 'origin')).out).not.toContain('trapped')
        })
        expect(lab.sshd.said).toContain('Accepted publickey')
      }),
  },
  {
    ids: ['GIT-18'],
    title: 'another place that an upstream names for a part of itself is not asked',
    control: 'hermetic-git',
    run: () =>
      inLab({}, async (lab) => {
        let asked = 0
        const trap = createServer((socket) => {
          asked += 1
          socket.destroy()
        }).listen(0, '127.0.0.1')
        try {
          await once(trap, 'listening')
          const { port } = trap.address() as AddressInfo
          const uri = `http://127.0.0.1:${port}`
          const blob = await lab.up('rev-parse', 'main:file-1.txt')
          await lab.up('config', 'uploadpack.blobPackfileUri', `${blob} ${'1'.repeat(40)} ${uri}/a.pack`)
          await lab.up('config', 'uploadpack.allowSidebandAll', 'true')
          // Git before 2.40 neither names bundles to a client nor asks for those it is told of.
          await lab.up('config', 'uploadpack.advertiseBundleURIs', 'true')
          await lab.up('config', 'bundle.version', '1')
          await lab.up('config', 'bundle.mode', 'all')
          await lab.up('config', 'bundle.a.uri', `${uri}/a.bundle`)
          const text = '[fetch]\n  uriProtocols = http,https\n[transfer]\n  bundleURI = true\n'
          await withUserConfig(lab, text, async () => {
            expect(await lab.clone()).toMatchObject({ code: 0 })
          })
          expect(asked).toBe(0)
          expect((await lab.git('show', 'origin/main:file-1.txt')).out).toBe('text 1')
        } finally {
          trap.close()
        }
      }),
  },
  {
    ids: [],
    title:
      'only the pinned host key is spoken to, and a URL that a program could read otherwise is no configuration',
    control: 'host-key',
    run: () =>
      inLab({}, async (lab) => {
        const other = makeKey(join(lab.folder, 'other')).line
        await lab.reconfigure({ hostKeys: [other] })
        const { code, err } = await lab.clone()
        expect(code).not.toBe(0)
        expect(err).toContain(fingerprintOf(other))
        const { url } = lab.remote
        for (const wrong of [
          { ...url, host: '-oProxyCommand=x' },
          { ...url, user: '-l' },
          { ...url, path: '-x' },
          { ...url, path: '/a;b' },
          { ...url, port: 0 },
          { ...url, host: 'a b' },
        ])
          // oxfmt-ignore
          await expect(lab.reconfigure({ url: wrong })).rejects.toThrow('of the URL')
      }),
  },
  {
    ids: ['GIT-25'],
    title: 'a submodule that leads to an undeclared repository stays where it is',
    control: 'declared-names',
    run: () =>
      inLab({}, async (lab) => {
        const commit = await lab.up('rev-parse', 'main')
        const modules = '[submodule "m"]\n\tpath = m\n\turl = ../other-private.git\n'
        const stream = `commit refs/heads/main\ncommitter H <h@t.test> 1700000009 +0000\ndata 1\nm\nfrom ${commit}\nM 100644 inline .gitmodules\ndata ${modules.length}\n${modules}\nM 160000 ${commit} m\n`
        await lab.run(['fast-import', '--quiet'], { folder: 'up.git', input: stream })
        const { err, code } = await lab.clone('--recurse-submodules')
        expect(code).not.toBe(0)
        expect(err).toContain('no such repository behind this gate')
      }),
  },
  {
    ids: ['GIT-26'],
    title: 'refs that are neither branches nor tags are not shown, and what only they reach is not given',
    control: 'declared-refs',
    run: () =>
      inLab({}, async (lab) => {
        const hidden = await lab.commitUp('hidden', 'main')
        await lab.up('update-ref', 'refs/pull/9/head', hidden)
        await lab.up('update-ref', '-d', 'refs/heads/hidden')
        await lab.clone()
        expect((await lab.git('ls-remote', 'origin')).out).not.toContain('pull')
        for (const version of ['0', '2']) {
          const { code, err } = await lab.git('-c', `protocol.version=${version}`, 'fetch', 'origin', hidden)
          expect([version, code, err]).toEqual([
            version,
            128,
            expect.stringMatching(/not our ref|unadvertised/),
          ])
        }
      }),
  },
  {
    ids: ['GIT-27'],
    title: 'clients that stop in the middle are let go, leave nothing, and keep nobody waiting',
    control: 'stalls',
    run: () =>
      inLab({ limits: { stalledMs: 1500, idleMs: 1500 } }, async (lab) => {
        const post = `POST /origin.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-receive-pack-request\r\nContent-Length: 5000\r\n\r\n`
        const line = `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/agent/x\0 report-status`
        const begun = `${(line.length + 4).toString(16).padStart(4, '0')}${line}0000PACK`
        const closed = Array.from(
          { length: 60 },
          (_, n) =>
            new Promise<void>((resolve) => {
              const socket = connect({ port: lab.port, host: '127.0.0.1' })
              socket.on('error', () => {}).resume()
              socket.once('close', () => resolve())
              socket.write(n % 3 === 0 ? '' : n % 3 === 1 ? post : post + begun)
            }),
        )
        expect((await lab.clone()).code).toBe(0)
        const late = new Promise((_, reject) => {
          setTimeout(() => reject(new Error('still open')), 10_000).unref()
        })
        await Promise.race([Promise.all(closed), late])
        await expect
          .poll(() => filesBelow(join(lab.folder, 'w')).filter((name) => /\.lock$|tmp_|push-/.test(name)), {
            timeout: 10_000,
          })
          .toEqual([])
        await lab.commit({ 'a.txt': 'a' })
        expect((await lab.push()).code).toBe(0)
      }),
  },
]
