import { describe, expect, it } from 'vitest'
import { frozenName } from '../../../src/drivers/docker/freeze/frozen-images.ts'
import { isOwnImage, unusedImages, type KnownImage } from '../../../src/drivers/docker/images/unused.ts'

const OURS = '0123456789abcdef'
const label = (part: string, more: Readonly<Record<string, string>> = {}) => ({
  'dev.bot-bottle.part': part,
  'dev.bot-bottle.installation': OURS,
  ...more,
})
const image = (id: string, tags: readonly string[], more: Partial<KnownImage> = {}): KnownImage => ({
  id,
  tags,
  labels: label('image'),
  size: 100,
  createdAt: '2026-01-01T00:00:00.000Z',
  layers: [`layer of ${id}`],
  ...more,
})
const frozen = (id: string, bottle: string): KnownImage =>
  image(id, [frozenName('acme', bottle, 'monday')], {
    labels: label('frozen', { 'dev.bot-bottle.stack': 'acme', 'dev.bot-bottle.address': `bottle/${bottle}` }),
  })

interface Asked {
  readonly inUse?: readonly string[]
  readonly images?: readonly string[]
  readonly bottles?: readonly string[]
  readonly frozen?: boolean
}
const unused = (images: readonly KnownImage[], asked: Asked = {}) =>
  unusedImages(
    { images, inUse: new Set(asked.inUse ?? []), installation: OURS },
    {
      images: new Set(asked.images ?? []),
      bottles: new Set(asked.bottles ?? []),
      frozen: asked.frozen ?? false,
    },
  )
const ids = (images: readonly KnownImage[], asked?: Asked) =>
  unused(images, asked).map(({ names }) => names[0])

describe('whose an image is', () => {
  it.each([
    [
      'made by another installation',
      image('a', ['bot-bottle/dev:1'], {
        labels: { ...label('image'), 'dev.bot-bottle.installation': 'f'.repeat(16) },
      }),
    ],
    [
      'made by nobody that is known',
      image('a', ['bot-bottle/dev:1'], { labels: { 'dev.bot-bottle.part': 'image' } }),
    ],
    ['built by hand on one of ours', image('a', ['mine/tool:1'])],
    ['that somebody gave a name of his, too', image('a', ['bot-bottle/dev:1', 'mine/dev:1'])],
    ['without a name, built on one of ours', image('a', [])],
    ['of somebody else', image('a', ['debian:12'], { labels: {} })],
  ])('one %s stays', (_, one) => {
    expect(isOwnImage(one, OURS)).toBe(false)
    expect(unused([one])).toEqual([])
  })

  it('one with our mark and our names alone, and a stage of a build of ours without a name, are ours', () => {
    expect(ids([image('a', ['bot-bottle/dev:1']), image('b', [], { labels: label('stage') })])).toEqual([
      'bot-bottle/dev:1',
      'b',
    ])
  })
})

describe('what is used', () => {
  const old = image('old', ['bot-bottle/dev:1'])
  it('stays: by a container of anybody, by a manifest, by what was applied', () => {
    expect(ids([old], { inUse: ['old'] })).toEqual([])
    expect(ids([old], { images: ['bot-bottle/dev:1'] })).toEqual([])
    expect(ids([old], { images: ['bot-bottle/dev:2'] })).toEqual(['bot-bottle/dev:1'])
  })

  it('stays with everything that it stands on', () => {
    const program = image('program', ['bot-bottle/program_claude:1'], { layers: ['base', 'program'] })
    const own = image('own', ['bot-bottle/dev:2'], { layers: ['base', 'program', 'own'], size: 130 })
    expect(ids([program, own], { images: ['bot-bottle/dev:2'] })).toEqual([])
    expect(ids([program, own], { inUse: ['own'] })).toEqual([])
    const both = unused([program, own])
    expect(both.map(({ names, bytes }) => [names[0], bytes])).toEqual([
      ['bot-bottle/dev:2', 30],
      ['bot-bottle/program_claude:1', 100],
    ])
  })
})

describe('a frozen image', () => {
  it('stays until it is asked for, and as long as its bottle is declared, applied or live', () => {
    const both = [frozen('dev', 'dev'), frozen('qa', 'qa')]
    expect(ids(both)).toEqual([])
    expect(ids(both, { frozen: true, bottles: ['acme/dev'] })).toEqual([frozenName('acme', 'qa', 'monday')])
    expect(ids(both, { frozen: true, bottles: ['other/dev'], inUse: ['qa'] })).toEqual([
      frozenName('acme', 'dev', 'monday'),
    ])
  })

  it('is told from one that only claims to be', () => {
    const other = image('x', [frozenName('acme', 'qa', 'monday')], { labels: frozen('dev', 'dev').labels })
    expect(ids([other], { frozen: true })).toEqual([])
  })
})

it('says what each was', () => {
  const said = unused(
    [
      image('a', ['bot-bottle/sidecars:0.0.9-1'], {
        labels: label('image', {
          'dev.bot-bottle.address': 'image/sidecars',
          'dev.bot-bottle.program': '0.0.9',
        }),
      }),
      image('b', ['bot-bottle/base:1']),
      image('c', ['bot-bottle/dev:1']),
      image('d', [], { labels: label('stage') }),
      frozen('e', 'dev'),
    ],
    { frozen: true },
  )
  expect(said.map(({ what }) => what)).toEqual([
    'sidecars of version 0.0.9',
    'base of an earlier version',
    'image of an agent',
    'stage of a build',
    'frozen image of dev of stack acme, which is gone',
  ])
})
