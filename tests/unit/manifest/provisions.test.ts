import { execFileSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  chmodSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { found } from '../../../src/manifest/folder.ts'
import type { LoadedManifest, LoadRequest } from '../../../src/manifest/load.ts'
import { unsupported } from '../../../src/manifest/not-supported.ts'
import { loadText, refusal, written } from './loading.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bb-provisions-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(path: string, text: string | Buffer = path, mode = 0o644): string {
  const full = join(folder, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, text)
  chmodSync(full, mode)
  return full
}

function load(agent: string, more: Partial<LoadRequest> = {}): Promise<LoadedManifest> {
  const text = `version: 1\nstack: acme\nbottles: { dev: { ${more.sets?.[0] ?? ''} } }\nagents: { one: { bottle: dev${agent} } }\n`
  return loadText(text, { cwd: folder, skills: [home('skills')], ...more, sets: [] })
}

const CODEX = 'agent_provider: { template: codex, api_key_ref: KEY }'
const home = (name: string) => ({ path: join(folder, name), shown: name })
const specOf = ({ desired }: LoadedManifest, at: string) =>
  desired.resources.find(({ address }) => address === at)?.spec as Record<string, unknown>

describe('a task', () => {
  it('is a text, or what a file says; a plan has a digest of it, and what becomes of its program', async () => {
    write('task.md', 'Mend it.\n')
    for (const [agent, task, onExit] of [
      [', headless: { prompt: Mend it. }', 'Mend it.', 'stop'],
      [', headless: { prompt: { file: task.md }, on_exit: restart }', 'Mend it.\n', 'restart'],
    ] as const) {
      const loaded = await load(agent, { sets: [CODEX] })
      expect(unsupported(loaded).filter(({ code }) => code === 'not-supported-yet')).toEqual([])
      expect(loaded.provisions('one')?.headless).toEqual({ task, onExit })
      expect(specOf(loaded, 'guest/one')).toMatchObject({
        headless: { digest: `digest of ${task.length}` },
        onExit,
      })
      expect(JSON.stringify(loaded.desired)).not.toContain('Mend')
    }
  })

  it('needs a provider, which knows how it is given', async () => {
    const { diagnostics } = await refusal(load(', headless: { prompt: Mend it. }'))
    expect(diagnostics).toMatchObject([{ code: 'headless-without-provider', place: { line: 4 } }])
  })

  it.each([
    ['is empty', ' \n', 'is empty'],
    ['has a NUL', 'a\0b', 'has a NUL character'],
    ['no program could be started with', 'do it '.repeat(6_000), 'is larger than 32 KiB'],
    ['is larger in the request to init', '"'.repeat(17_000), 'is larger than 32 KiB'],
  ])('that %s is an error before anything is made', async (_what, task, message) => {
    write('task.md', task)
    const headless = load(', headless: { prompt: { file: task.md } }', { sets: [CODEX] })
    expect(written((await refusal(headless)).diagnostics)).toContain(
      `error bad-prompt\n  the task ${message}`,
    )
  })

  it('is read anew when its file changes', async () => {
    const file = write('task.md')
    expect((await load(', headless: { prompt: { file: task.md } }', { sets: [CODEX] })).named).toContain(file)
  })
})

describe('a prompt', () => {
  it('is a text, or what a file says; a plan has its place and a digest of it', async () => {
    write('prompts/one.md', 'Review.\n')
    for (const [agent, text] of [
      [', prompt: Review.', 'Review.'],
      [', prompt: { file: prompts/one.md }', 'Review.\n'],
    ] as const) {
      const loaded = await load(agent)
      expect(loaded.provisions('one')?.prompt).toBe(text)
      expect(specOf(loaded, 'guest/one')['prompt']).toEqual({
        path: '/home/agent/.config/bot-bottle/prompt.md',
        digest: `digest of ${text.length}`,
      })
      expect(JSON.stringify(loaded.desired)).not.toContain('Review')
    }
  })

  it('goes where a provider wants it', async () => {
    const loaded = await load(', prompt: Review.', { sets: [CODEX] })
    expect(specOf(loaded, 'guest/one')['prompt']).toMatchObject({ path: '/home/agent/.codex/AGENTS.md' })
  })

  it.each([
    ['is not there', () => {}, 'is not there'],
    ['is no text', () => write('p.md', Buffer.from([0xff, 0xfe])), 'is no text in UTF-8'],
    ['is a folder', () => mkdirSync(join(folder, 'p.md')), 'is no file'],
    [
      'is a pipe, for which nobody waits',
      () => execFileSync('mkfifo', [join(folder, 'p.md')]),
      'is no file, or larger than 1 MiB',
    ],
    ['is larger than 1 MiB', () => truncateSync(write('p.md'), 2 ** 20 + 1), 'is no file, or larger'],
    ['is a link', () => symlinkSync(write('elsewhere'), join(folder, 'p.md')), 'lies behind a link'],
  ])('in a file that %s is an error', async (_what, make, message) => {
    make()
    const { diagnostics } = await refusal(load(', prompt: { file: p.md }'))
    expect(written(diagnostics)).toContain(`error bad-prompt\n  the prompt \`p.md\` ${message}`)
  })

  it('is never read through a folder that became a link below the manifest', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'bb-outside-'))
    writeFileSync(join(outside, 'key'), 'private')
    symlinkSync(outside, join(folder, 'prompts'))
    const { diagnostics } = await refusal(load(', prompt: { file: prompts/key }'))
    expect(written(diagnostics)).toContain('lies behind a link')
    rmSync(outside, { recursive: true })
  })
})

describe('a skill', () => {
  it('is every file of its folder, with a digest that is that of the same files', async () => {
    write('skills/review/SKILL.md', '# Review')
    write('skills/review/bin/run', '#!/bin/sh', 0o6777)
    const loaded = await load(', skills: [review]')
    expect(
      loaded
        .provisions('one')
        ?.skills.map(({ name, files }) => [
          name,
          files.map(({ path, mode, content }) => [path, mode, content.toString()]),
        ]),
    ).toEqual([
      [
        'review',
        [
          ['SKILL.md', 0o644, '# Review'],
          ['bin/run', 0o755, '#!/bin/sh'],
        ],
      ],
    ])
    const digest = (of: LoadedManifest) => specOf(of, 'guest/one')['skills']
    const keyed = { keyedDigest: (value: string) => value }
    const before = digest(await load(', skills: [review]', keyed))
    expect(before).toMatchObject({ review: { path: '/home/agent/.config/bot-bottle/skills/review' } })
    write('skills/review/SKILL.md', '# Review')
    expect(digest(await load(', skills: [review]', keyed))).toEqual(before)
    write('skills/review/SKILL.md', '# Review!')
    expect(digest(await load(', skills: [review]', keyed))).not.toEqual(before)
  })

  it('that two folders have is taken from the first, which is said', async () => {
    write('skills/review/SKILL.md', 'first')
    write('user/review/SKILL.md', 'second')
    const loaded = await load(', skills: [review]', { skills: [home('skills'), home('user')] })
    expect(loaded.provisions('one')?.skills[0]?.files[0]?.content.toString()).toBe('first')
    expect(written(loaded.desired.warnings)).toContain(
      'warning skill-found-twice\n  the skill `review` is taken from skills; user has one of that name as well',
    )
  })

  it('may lie where a provider has those of the user', async () => {
    write('.codex/skills/review/SKILL.md', 'own')
    const loaded = await load(', skills: [review]', { sets: [CODEX], env: { HOME: folder } })
    expect(loaded.provisions('one')?.skills).toHaveLength(1)
    expect(specOf(loaded, 'guest/one')['skills']).toMatchObject({
      review: { path: '/home/agent/.codex/skills/review' },
    })
  })

  it('that this host does not have keeps the manifest valid and every plan from being made', async () => {
    const loaded = await load(', skills: [review]')
    expect(written(unsupported(loaded))).toContain('error unknown-skill\n  there is no skill `review` here')
  })

  it.each(['../review', 'Review', '$(touch x)', '-v', ''])('has a name, which `%s` is not', async (name) => {
    const { diagnostics } = await refusal(load(`, skills: ['${name}']`))
    expect(diagnostics.map(({ severity }) => severity)).toContain('error')
  })

  it('[SPP-05] is regular files from below its folder, whatever else lies there', async () => {
    const outside = write('outside/secret', 'canary')
    write('skills/review/SKILL.md', '# Review')
    linkSync(write('skills/other', 'hard'), join(folder, 'skills/review/hard'))
    symlinkSync(outside, join(folder, 'skills/review/file'))
    symlinkSync(dirname(outside), join(folder, 'skills/review/folder'))
    symlinkSync('.', join(folder, 'skills/review/loop'))
    execFileSync('mkfifo', [join(folder, 'skills/review/pipe')])
    write('skills/review/new\nline', 'x')
    write('skills/review/es\u001bcape', 'x')
    write('skills/review/CASE', 'upper')
    write('skills/review/case', 'lower')
    const loaded = await load(', skills: [review]')
    const files = loaded.provisions('one')?.skills[0]?.files ?? []
    expect(files.map(({ path }) => path)).toEqual(['CASE', 'SKILL.md', 'case', 'hard'])
    expect(Buffer.concat(files.map(({ content }) => content)).toString()).not.toContain('canary')
    expect(written(loaded.desired.warnings)).toContain(
      'of the skill `review` is left out what is no regular file: es\\u{1b}cape, file, folder, loop, new\\u{a}line, 1 more',
    )
  })

  it.each([
    [
      'is a link',
      () => symlinkSync(join(folder, 'elsewhere'), join(folder, 'skills/review')),
      'unknown-skill',
    ],
    [
      'has no end',
      () => truncateSync(write('skills/review/sparse'), 2 ** 40),
      'bad-skill\n  the skill `review` cannot be taken: larger than 16 MiB',
    ],
    [
      'has very many files',
      () => Array.from({ length: 2001 }, (_, index) => write(`skills/review/${index}`, '')),
      'bad-skill\n  the skill `review` cannot be taken: more than 2000 files',
    ],
    [
      'is empty',
      () => mkdirSync(join(folder, 'skills/review')),
      'bad-skill\n  the skill `review` has no file',
    ],
  ])('[SPP-05] whose folder %s is not taken', async (_what, make, said) => {
    write('elsewhere/SKILL.md')
    mkdirSync(join(folder, 'skills'))
    make()
    expect(written(unsupported(await load(', skills: [review]')))).toContain(said)
  })
})

describe('a folder that somebody changes while it is read', () => {
  it('[SPP-05] leads nowhere else: neither by a folder nor by a file that became a link', async () => {
    const [source, outside] = [join(folder, 'source'), dirname(write('outside/canary', 'canary'))]
    write('source/a-first')
    write('source/b/canary', 'own')
    write('source/c/canary', 'own')
    const seen: string[] = []
    const read = (): void => {
      for (const entry of found(source)) {
        if (entry.path === 'a-first') {
          renameSync(join(source, 'b'), join(folder, 'b-aside'))
          symlinkSync(outside, join(source, 'b'))
        }
        if (entry.path === 'c/canary') {
          rmSync(join(source, 'c/canary'))
          symlinkSync(join(outside, 'canary'), join(source, 'c/canary'))
          entry.open()
        }
        seen.push(`${entry.kind} ${entry.path}`)
      }
    }
    expect(read).toThrow('c/canary was changed while it was read')
    expect(seen).toEqual(['file a-first', 'link b', 'folder c'])
  })
})

describe('a workspace', () => {
  it.each([
    ['{ source: app }', { mode: 'copy', source: 'app', git: false }],
    ['{ source: app, git: true }', { mode: 'copy', source: 'app', git: true }],
    ['{ source: app, mode: clone }', { mode: 'clone', source: 'app', git: true }],
    ['{ source: app, mode: none }', undefined],
    ['{ mode: none }', undefined],
  ])('%s is %j', async (text, spec) => {
    const loaded = await load('', { sets: [`workspace: ${text}`] })
    expect(specOf(loaded, 'bottle/one')['workspace']).toEqual(spec)
    expect(loaded.provisions('one')?.workspace).toEqual(spec && { ...spec, source: join(folder, 'app') })
  })

  const REMOTE =
    'git: { remotes: { app: { url: "ssh://git@forge.example/acme/app.git", host_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl", identity: ~/.ssh/id } } }'
  const fromUrl = (url: string, mode = ', mode: clone') => ({
    sets: [`workspace: { source: "${url}"${mode} }, ${REMOTE}`],
  })

  it.each([
    'ssh://git@forge.example/acme/app.git',
    'git@forge.example:acme/app',
    'ssh://git@forge.example:22/acme/app',
  ])('may be a declared remote, as %s too, which the bottle clones by itself', async (url) => {
    const loaded = await load('', fromUrl(url))
    expect(specOf(loaded, 'bottle/one')['workspace']).toEqual({ mode: 'clone', source: url, git: true })
    const workspace = loaded.provisions('one')?.workspace
    expect(workspace).toEqual({ mode: 'remote', url: 'ssh://git@forge.example:22/acme/app.git' })
    expect(unsupported(loaded)).toEqual([])
  })

  it.each([
    ['that is no remote', fromUrl('ssh://git@forge.example/acme/other.git'), 'is no remote of this bottle'],
    ['over HTTPS', fromUrl('https://forge.example/acme/app.git'), 'is no remote of this bottle'],
    ['that is copied', fromUrl('git@forge.example:acme/app.git', ''), 'is a URL, which is cloned'],
  ])('of a URL %s is an error', async (_what, more, message) => {
    const { diagnostics } = await refusal(load('', more))
    expect(written(diagnostics)).toContain(message)
  })

  it('is never taken from behind a link below the manifest', async () => {
    symlinkSync('/etc', join(folder, 'app'))
    const { diagnostics } = await refusal(load('', { sets: ['workspace: { source: app }'] }))
    expect(written(diagnostics)).toContain('error bad-workspace')
  })
})
