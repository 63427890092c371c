import { describe, expect, test } from 'vitest'
import type { PushPolicy } from '../../../src/model/gate.ts'
import {
  judgeFacts,
  judgeNames,
  parseRef,
  refMatches,
  REF_MAX,
  UPDATES_MAX,
} from '../../../sidecars/policy/refs.ts'
import type { RefFacts, RefUpdate } from '../../../sidecars/policy/refs.ts'

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)
const policy = (fields: Partial<PushPolicy> = {}): PushPolicy => ({
  allow: ['refs/heads/agent/*'],
  force: false,
  delete: false,
  tags: false,
  scan: 'block',
  flag: [],
  protect: [],
  ...fields,
})
const create = (ref: string): RefUpdate => ({ ref, from: undefined, to: B })
const names = (ref: string, fields?: Partial<PushPolicy>) =>
  judgeNames([create(ref)], policy(fields)).map(({ rule }) => rule)

describe('the language of refs', () => {
  test.each([
    'refs/heads/agent/x',
    'refs/heads/feature-1.2_3+x@y=z',
    'refs/heads/a/b/c/d',
    'refs/heads/HEAD2',
  ])('%s is a branch', (ref) => expect(parseRef(ref)).toEqual({ kind: 'branch', name: ref }))

  test.each([
    'HEAD',
    'main',
    'refs/replace/0123',
    'refs/notes/commits',
    'refs/pull/1/head',
    'refs/for/main',
    'refs/changes/01/1/1',
    'refs/meta/config',
    'refs/keep-around/1',
    'refs/remotes/origin/main',
    'refs/stash',
    'refs/invented/x',
    'refs/headsx/main',
    'Refs/heads/main',
    '',
  ])('%j is in no namespace of ours', (ref) => expect(parseRef(ref)).toBe('ref-namespace'))

  test.each([
    'refs/heads/',
    'refs/heads//x',
    'refs/heads/x/',
    'refs/heads/-x',
    'refs/heads/a/-x',
    'refs/heads/.x',
    'refs/heads/x.',
    'refs/heads/x.lock',
    'refs/heads/x.lock/y',
    'refs/heads/a..b',
    'refs/heads/a@{1}',
    'refs/heads/@',
    'refs/heads/HEAD',
    'refs/heads/a b',
    'refs/heads/a\tb',
    'refs/heads/a\nb',
    'refs/heads/a\u0000b',
    'refs/heads/a:b',
    'refs/heads/a*',
    'refs/heads/a?',
    'refs/heads/a[b]',
    'refs/heads/a^b',
    'refs/heads/a~1',
    'refs/heads/a\\b',
    'refs/heads/ä',
    'refs/heads/a\u200bb',
    'refs/heads/$(id)',
    `refs/heads/${'x'.repeat(REF_MAX)}`,
  ])('%j is no name', (ref) => expect(parseRef(ref)).toBe('ref-name'))
})

test.each([
  ['refs/heads/agent/*', 'refs/heads/agent/x', true],
  ['refs/heads/agent/*', 'refs/heads/agent/x/y', false],
  ['refs/heads/agent/*', 'refs/heads/agent', false],
  ['refs/heads/agent/**', 'refs/heads/agent/x/y', true],
  ['refs/heads/agent/**', 'refs/heads/agentx', false],
  ['refs/heads/**', 'refs/heads/a/b/c', true],
  ['refs/heads/**/fix', 'refs/heads/a/b/fix', true],
  ['refs/heads/fix-*-x', 'refs/heads/fix-12-x', true],
  ['refs/heads/fix-*-x', 'refs/heads/fix-x', false],
  ['refs/heads/*a*b*', 'refs/heads/1a2b3', true],
  ['refs/heads/*a*b*', 'refs/heads/1b2a3', false],
  ['refs/heads/a', 'refs/heads/A', false],
  ['refs/heads/a.c', 'refs/heads/abc', false],
])('%s on %s: %s', (pattern, ref, matches) => expect(refMatches(pattern, ref)).toBe(matches))

describe('names alone', () => {
  test('only declared branches, no tags, no removal', () => {
    expect(names('refs/heads/agent/x')).toEqual([])
    expect(names('refs/heads/other')).toEqual(['ref-undeclared'])
    expect(names('refs/heads/agent/x', { allow: [] })).toEqual(['ref-undeclared'])
    expect(names('refs/tags/v1')).toEqual(['tags-off'])
    expect(names('refs/tags/v1', { tags: true })).toEqual([])
    expect(names('refs/tags/v1', { tags: true, allow: ['refs/tags/agent-*'] })).toEqual(['ref-undeclared'])
    const remove = { ref: 'refs/heads/agent/x', from: A, to: undefined }
    expect(judgeNames([remove], policy())).toEqual([{ rule: 'delete-off', ref: 'refs/heads/agent/x' }])
    expect(judgeNames([remove], policy({ delete: true }))).toEqual([])
  })
  test('each ref once, in whatever case, and not more than a push may have', () => {
    const twice = [create('refs/heads/agent/x'), create('refs/heads/agent/X')]
    expect(judgeNames(twice, policy())).toEqual([{ rule: 'ref-twice', ref: 'refs/heads/agent/X' }])
    const many = Array.from({ length: UPDATES_MAX + 1 }, (_, n) => create(`refs/heads/agent/${n}`))
    expect(judgeNames(many, policy())).toEqual([{ rule: 'too-many-refs', ref: '' }])
  })
})

describe('in the light of the upstream', () => {
  const facts: RefFacts = {
    defaultBranch: 'refs/heads/main',
    refs: new Map([
      ['refs/heads/main', A],
      ['refs/heads/agent/x', A],
      ['refs/tags/v1', A],
    ]),
  }
  const all = { allow: ['refs/heads/**'], delete: true, tags: true }
  const judge = async (update: RefUpdate, fields: Partial<PushPolicy>, follows = true) =>
    (await judgeFacts([update], facts, policy(fields), async () => follows)).map(({ rule }) => rule)

  test.each([
    'refs/heads/main',
    'refs/heads/Main',
    'refs/heads/MAIN',
    'refs/heads/main/x',
    'refs/heads/Main/x/y',
  ])('%s is protected, whatever a pattern covers', async (ref) => {
    const from = facts.refs.get(ref)
    expect(await judge({ ref, from, to: B }, all)).toEqual(['ref-protected'])
    expect(await judge({ ref, from, to: undefined }, all)).toEqual(['ref-protected'])
    expect(await judge({ ref, from, to: B }, { ...all, force: true })).toEqual(['ref-protected'])
  })
  test('its full name opens the default branch for what follows it, for nothing else', async () => {
    const opened = { ...all, allow: ['refs/heads/main'] }
    const main = { ref: 'refs/heads/main', from: A }
    expect(await judge({ ...main, to: B }, opened)).toEqual([])
    expect(await judge({ ...main, to: B }, opened, false)).toEqual(['force-off'])
    expect(await judge({ ...main, to: undefined }, opened)).toEqual(['ref-protected'])
    expect(await judge({ ...main, to: B }, { ...opened, force: true }, false)).toEqual(['ref-protected'])
  })
  test('names that are protected beside it cannot be opened', async () => {
    const fields = { allow: ['refs/heads/release/1'], protect: ['refs/heads/release/*'] }
    expect(await judge(create('refs/heads/release/1'), fields)).toEqual(['ref-protected'])
    expect(await judge(create('refs/heads/Release/1'), fields)).toEqual(['ref-protected'])
  })
  test('what differs from another ref in case alone is refused', async () => {
    expect(await judge(create('refs/heads/agent/X'), all)).toEqual(['ref-look-alike'])
  })
  test('what the upstream has is what the agent must have seen', async () => {
    expect(await judge(create('refs/heads/agent/x'), all)).toEqual(['stale'])
    expect(await judge({ ref: 'refs/heads/agent/x', from: B, to: A }, all)).toEqual(['stale'])
  })
  test('only what follows the present commit, unless force is declared', async () => {
    const update = { ref: 'refs/heads/agent/x', from: A, to: B }
    expect(await judge(update, all)).toEqual([])
    expect(await judge(update, all, false)).toEqual(['force-off'])
    expect(await judge(update, { ...all, force: true }, false)).toEqual([])
  })
  test('a tag does not move without force', async () => {
    const update = { ref: 'refs/tags/v1', from: A, to: B }
    expect(await judge(update, all)).toEqual(['force-off'])
    expect(await judge(update, { ...all, force: true })).toEqual([])
  })
})
