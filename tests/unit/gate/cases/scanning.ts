/** What a push carries, wherever it lies: every new object is looked at, or the push is refused. */
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { Doubt, readNewObjects } from '../../../../sidecars/gate/objects.ts'
import { zipArchive } from '../../detect/archives.ts'
import { inLab } from '../lab.ts'
import type { Lab } from '../lab.ts'
import { KNOWN, refusedPush, SECRET } from './case.ts'
import type { Case } from './case.ts'

const known = { config: { known: KNOWN } }

/** One place to hide something; afterwards `HEAD` is what is pushed. */
type Carrier = readonly [name: string, write: (lab: Lab) => Promise<unknown>]

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')

const FILES: readonly Carrier[] = [
  ['a file', (lab) => lab.commit({ 'a.txt': `key = "${SECRET}"\n` })],
  [
    'a file that a later commit removes',
    async (lab) => {
      await lab.commit({ 'a.txt': SECRET })
      await lab.git('rm', '-q', 'a.txt')
      await lab.git('commit', '-q', '-m', 'clean')
    },
  ],
  ['binary', (lab) => lab.commit({ 'a.bin': Buffer.from(`\0\u0001\xff\0${SECRET}\0\0`, 'latin1') })],
  ['UTF-16', (lab) => lab.commit({ 'a.txt': Buffer.from(`\ufeffkey ${SECRET}`, 'utf16le') })],
  ['gzip', (lab) => lab.commit({ 'a.gz': gzipSync(`text ${SECRET} text`) })],
  [
    'a zip, as documents are',
    (lab) => lab.commit({ 'a.docx': zipArchive({ 'word/document.xml': `<w>${SECRET}</w>` }) }),
  ],
  [
    'text of an image',
    (lab) => lab.commit({ 'a.png': Buffer.concat([PNG, Buffer.from(`tEXtComment\0${SECRET}`)]) }),
  ],
  ['base64', (lab) => lab.commit({ 'a.txt': Buffer.from(`user:${SECRET}:x`).toString('base64') })],
  [
    'attributes that call it binary',
    (lab) => lab.commit({ '.gitattributes': '* -diff -text binary\n', 'a.txt': SECRET }),
  ],
  [
    'a line of 5 MB',
    (lab) => lab.commit({ 'a.txt': `${'x '.repeat(1_300_000)}${SECRET}${' y'.repeat(1_200_000)}` }),
  ],
  [
    'an LFS pointer',
    (lab) => lab.commit({ a: `version https://git-lfs.github.com/spec/v1\noid sha256:${SECRET}\n` }),
  ],
  [
    'a URL in .gitmodules',
    (lab) => lab.commit({ '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = https://${SECRET}@h/x\n` }),
  ],
]

const AROUND: readonly Carrier[] = [
  ['the name of a file', (lab) => lab.commit({ [`${SECRET}.txt`]: 'a' })],
  ['the name of a folder', (lab) => lab.commit({ [`${SECRET}/a.txt`]: 'a' })],
  [
    'the target of a link',
    async (lab) => {
      await lab.commit({ 'a.txt': 'a' })
      symlinkSync(`/tmp/${SECRET}`, join(lab.folder, 'agent/link'))
      await lab.git('add', 'link')
      await lab.git('commit', '-q', '-m', 'link')
    },
  ],
  ['a commit’s message', (lab) => lab.commit({ 'a.txt': 'a' }, `work\n\nkey ${SECRET}`)],
  [
    'an author',
    async (lab) => {
      await lab.commit({ 'a.txt': 'a' })
      await lab.git('commit', '-q', '--amend', '--no-edit', `--author=${SECRET} <a@b.test>`)
    },
  ],
  [
    'a further header of a commit',
    async (lab) => {
      await lab.commit({ 'a.txt': 'a' })
      const commit = (await lab.git('cat-file', 'commit', 'HEAD')).out
      writeFileSync(join(lab.folder, 'commit'), commit.replace('\n\n', `\nx-note ${SECRET}\n\n`))
      const made = await lab.git('hash-object', '-t', 'commit', '-w', join(lab.folder, 'commit'))
      await lab.git('reset', '-q', '--hard', made.out.trim())
    },
  ],
  [
    'what only a merge brings in',
    async (lab) => {
      await lab.commit({ 'a.txt': 'a' })
      await lab.git(
        'merge',
        '-q',
        '--no-commit',
        '--no-ff',
        '-s',
        'ours',
        'origin/teammate~1',
        'origin/main~1',
      )
      await lab.git('commit', '-q', '--allow-empty', '-m', 'one')
      writeFileSync(join(lab.folder, 'agent/evil.txt'), SECRET)
      await lab.git('add', 'evil.txt')
      await lab.git('commit', '-q', '--amend', '-m', 'merge')
    },
  ],
]

async function refusedEach(carriers: readonly Carrier[]): Promise<void> {
  await inLab(known, async (lab) => {
    await lab.clone()
    for (const [name, write] of carriers) {
      await lab.git('checkout', '-q', '-f', '-B', 'agent/x', 'origin/main')
      await write(lab)
      const { err } = await refusedPush(lab, /./, () => lab.push('HEAD:refs/heads/agent/x'))
      expect([name, err]).toEqual([name, expect.stringContaining('secret/env:KEY')])
      expect([name, err.toLowerCase().includes(SECRET.toLowerCase())]).toEqual([name, false])
    }
  })
}

export const scanningCases: readonly Case[] = [
  {
    ids: ['GIT-13'],
    title: 'a secret in what files hold, as text, packed, encoded or declared binary',
    control: 'scan',
    run: () => refusedEach(FILES),
  },
  {
    ids: ['GIT-13'],
    title: 'a secret in names, links, messages, headers and merges',
    control: 'scan',
    run: () => refusedEach(AROUND),
  },
  {
    ids: ['GIT-13'],
    title: 'a secret in tags, of whatever they are on, and in the name of a ref',
    control: 'scan',
    run: () =>
      inLab({ ...known, push: { tags: true } }, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': 'a' })
        await lab.git('tag', '-a', '-m', `key ${SECRET}`, 'noted')
        const input = `key ${SECRET}`
        const blob = (await lab.run(['hash-object', '-w', '--stdin'], { input })).out.trim()
        await lab.git('tag', 'of-blob', blob)
        const tree = `100644 blob ${blob}\ta\n`
        await lab.git('tag', 'of-tree', (await lab.run(['mktree'], { input: tree })).out.trim())
        for (const tag of ['noted', 'of-blob', 'of-tree'])
          await refusedPush(lab, 'secret/env:KEY', () => lab.push(`refs/tags/${tag}`))
        await refusedPush(lab, 'secret/env:KEY', () => lab.push(`HEAD:refs/heads/agent/${SECRET}`))
        await refusedPush(lab, 'ref-undeclared', () => lab.push(`HEAD:refs/heads/${SECRET}`))
        expect(JSON.stringify(lab.lines)).not.toContain(SECRET)
      }),
  },
  {
    ids: ['GIT-14'],
    title: 'nothing in the pushed tree silences the scanner',
    control: 'scan',
    run: () =>
      inLab(known, async (lab) => {
        await lab.clone()
        await lab.commit({
          '.gitleaksignore': '*\n',
          '.gitleaks.toml': '[allowlist]\npaths = [".*"]\n',
          '.gitattributes': '*.txt -diff linguist-generated\n',
          'a.txt': `${SECRET} # gitleaks:allow trufflehog:ignore pragma: allowlist secret nosec\n`,
        })
        const { err } = await refusedPush(lab, /\[secret\/env:KEY\] in a\.txt:1/, () => lab.push())
        expect(err).toContain('comments that silence scanners do nothing here')
      }),
  },
  {
    ids: ['GIT-15'],
    title: 'an object that was not read, a reader that dies and a listing that breaks refuse the push',
    control: 'scan-count',
    run: () =>
      inLab({}, async (lab) => {
        await lab.clone()
        await lab.commit({ 'a.txt': 'a' })
        const repository = join(lab.folder, 'agent/.git')
        const tips = [(await lab.git('rev-parse', 'HEAD')).out.trim()]
        // Listed is what no ref reaches, as in a mirror.
        await lab.git('update-ref', '-d', 'refs/heads/agent/x')
        const nothing = { begin: () => {}, piece: () => {} }
        const program = (name: string, script: string): string => {
          const path = join(lab.folder, name)
          writeFileSync(path, `#!/bin/sh\ncase "$*" in\n${script}\nesac\nexec git "$@"\n`, { mode: 0o755 })
          return path
        }
        const read = (script: string): Promise<unknown> =>
          readNewObjects({ repository, program: program('git-of-test', script) }, tips, nothing)
        expect(await read('nothing) ;;')).toEqual({ commits: 1, objects: 3, bytes: expect.any(Number) })
        // Killed after it has said something, failing from the start, an object that is not there.
        await expect(read('*cat-file*) head -n 1 | git "$@"; kill -9 $$;;')).rejects.toThrow(Doubt)
        await expect(read('*cat-file*) exit 1;;')).rejects.toThrow(Doubt)
        await expect(read('*--objects*) exit 128;;')).rejects.toThrow(Doubt)
        await expect(read(`*cat-file*) sed s/^/0/ | cut -c 1-40 | git "$@"; exit;;`)).rejects.toThrow(Doubt)
        // Fewer than there are, and nobody says so.
        await expect(read('*cat-file*) head -n 2 | git "$@"; exit 0;;')).rejects.toThrow(Doubt)
      }),
  },
]
