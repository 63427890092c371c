/** The dialect of a plug-in: what it exports, and what it answers, before any of it reaches a forge. */
import { describe, expect, it } from 'vitest'
import { exportOf } from '../../contrib.ts'
import { members } from '../../../src/model/answer.ts'
import { dialectOf } from '../../../src/forges/plugin.ts'
import { openForge } from '../../../src/forges/rest/forge.ts'
import { Secret } from '../../../src/model/secret.ts'
import type { ForgeDialect } from '../../../src/ports/forge.ts'
import { KEY, LISTED, NEVER, TOKEN } from './lab.ts'

const example = members(await exportOf('provisioner-example'))

const dialect = (over: object = {}): ForgeDialect => {
  const made = dialectOf('mine', { ...example, ...over })
  if ('unusable' in made) throw new Error(made.unusable)
  return made
}

describe('what a plug-in exports', () => {
  it('is a dialect under the name of the plug-in', () => {
    expect(dialect()).toMatchObject({ provider: 'mine', tokenNeeds: example.tokenNeeds, linksPages: false })
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, '`headers` is no function'],
    ['a function that is missing', { ...example, readKey: undefined }, '`readKey` is no function'],
    ['a text that is none', { ...example, tokenNeeds: 'two\nlines' }, '`tokenNeeds` is no line of text'],
    ['a word for a yes', { ...example, linksPages: 'no' }, '`linksPages` is not true or false'],
    ['a member that nobody reads', { ...example, keyPath: () => '/' }, '`keyPath` is not known'],
  ])('is refused for %s', (_what, exported, why) => {
    expect(dialectOf('mine', exported)).toEqual({ unusable: expect.stringContaining(why) })
  })
})

describe('what it says of a request', () => {
  it('is sent as it is where it is fit to be', () => {
    const { headers, keysPath, page, creation } = dialect()
    expect(headers(new Secret(TOKEN))).toEqual({ authorization: `token ${TOKEN}` })
    expect([keysPath('acme/app'), keysPath('a/b/c'), page(2)]).toEqual([
      '/repos/acme/app/keys',
      undefined,
      'page=2&limit=50',
    ])
    expect(creation(KEY)).toEqual({ title: KEY.title, key: KEY.publicKey, read_only: true })
  })

  it.each([
    ['/../admin/keys'],
    ['/repos/%2e%2E/keys'],
    ['/repos/a?b'],
    ['/repos/a#b'],
    ['//elsewhere.test/keys'],
    ['repos/a/keys'],
    ['https://elsewhere.test/keys'],
    ['/repos/a\\..\\b'],
    ['/repos/%zz'],
    ['/repos/a\r\nx: y'],
    [7],
    [Promise.resolve('/repos')],
  ])('never leads elsewhere: the path %s', (path) => {
    expect(() => dialect({ keysPath: () => path }).keysPath('acme/app')).toThrow(
      'does not say what to send (`keysPath`)',
    )
  })

  it.each([
    ['host', 'elsewhere.test'],
    ['transfer-encoding', 'chunked'],
    ['content-length', '0'],
    ['x-token', 'two\r\nlines'],
    ['X Token', 'x'],
    ['x-token', 7],
  ])('never ends a request or sends it elsewhere: the header %s: %s', (name, value) => {
    expect(() => dialect({ headers: () => ({ [name]: value }) }).headers(new Secret(TOKEN))).toThrow(
      'does not say what to send (`headers`)',
    )
  })

  it.each(['acme', 'acme/..', '../app', 'acme/app.git', 'no name/app'])(
    'is not asked about what is no name of a repository: %s',
    (name) => {
      const never = (): never => {
        throw new Error('it was asked')
      }
      expect(dialect({ keysPath: never }).keysPath(name)).toBeUndefined()
    },
  )

  it('is an error of the forge with what it was for, and nothing was sent', async () => {
    const api = 'https://forge.invalid/api'
    const access = { api, token: new Secret(TOKEN), tokenName: 'T', allowPrivate: false, trust: [] }
    const forge = openForge(dialect({ headers: () => undefined }), access)
    await expect(forge.list('acme/app', NEVER)).rejects.toMatchObject({
      code: 'forge-plugin',
      fate: 'unsent',
      message: `cannot list the deploy keys of acme/app at ${api}: the plug-in mine does not say what to send (\`headers\`): its answer has not the form that it must have`,
    })
  })

  it('says why it failed, but for the one function that has the token', () => {
    const failing = (given: unknown): never => {
      throw new Error(`cannot use ${given instanceof Secret ? given.reveal() : 'this'}`)
    }
    expect(() => dialect({ page: failing }).page(1)).toThrow('(`page`): cannot use this')
    expect(() => dialect({ headers: failing }).headers(new Secret(TOKEN))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(TOKEN) }),
    )
  })

  it.each([[{}], [{ key: null }], [{ key: { deep: 'x' } }], ['key=x']])('is no body: %j', (body) => {
    expect(() => dialect({ creation: () => body }).creation(KEY)).toThrow('creation')
  })
})

describe('what it reads of an answer', () => {
  it('is a key as far as it has the form of one', () => {
    expect(dialect().readKey(LISTED)).toEqual({
      forgeId: '7',
      title: KEY.title,
      publicKey: KEY.publicKey,
      readOnly: true,
      createdAt: '2026-11-21T12:00:00.000Z',
    })
  })

  it.each([
    ['an id that leads up', { forgeId: '..' }],
    ['an id with a slash', { forgeId: '1/2' }],
    ['an id that is a number', { forgeId: 7 }],
    ['no title', { title: undefined }],
    ['an access that is a word', { readOnly: 'yes' }],
  ])('is nothing for %s', (_what, over) => {
    const key = { forgeId: '7', title: 'a', publicKey: KEY.publicKey, readOnly: true }
    expect(dialect({ readKey: () => key }).readKey({})).toBeDefined()
    expect(dialect({ readKey: () => ({ ...key, ...over }) }).readKey({})).toBeUndefined()
  })

  it('is nothing where it fails: an answer that is not understood is an error of the list, never a shorter one', () => {
    const failing = (): never => {
      throw new Error('not today')
    }
    const { readKey, words, isDuplicate } = dialect({
      readKey: failing,
      words: failing,
      isDuplicate: failing,
    })
    expect([readKey(LISTED), words({}), isDuplicate(422, '')]).toEqual([undefined, undefined, false])
  })
})
