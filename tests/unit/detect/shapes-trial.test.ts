import { describe, expect, it } from 'vitest'
import { scannerWith } from '../../../sidecars/detect/shapes/further.ts'
import data from '../../../sidecars/detect/shapes/shapes.json' with { type: 'json' }
import { LONGEST, SHAPES } from '../../../sidecars/detect/shapes/shape.ts'
import type { ShapeEntry } from '../../../sidecars/detect/shapes/shape.ts'
import { bytesOf, samplesOf, unfit } from '../../../sidecars/detect/shapes/trial.ts'

const KIND: ShapeEntry = {
  id: 'api-token',
  vendor: 'Acme',
  title: 'token of the internal API',
  anchors: ['acme_live_'],
  pattern: 'acme_live_[0-9A-Za-z]{30}',
  after: '[0-9A-Za-z]',
  source: 'https://wiki.acme.example/tokens',
  samples: {
    true: [
      ['acme_', 'live_{base62:30}'],
      ['{"t":"acme_', 'live_{base62:30}"}'],
      ['k=acme_', 'live_{base62:30}\n'],
    ],
    alike: [
      ['acme_', 'test_{base62:30}'],
      ['acme_', 'live_{base62:29}'],
      ['acme_', 'live_{base62:31}'],
    ],
  },
}

const wrong = (over: Partial<ShapeEntry>): readonly string[] =>
  unfit([{ ...KIND, ...over }], (id) => `plugin/acme/${id}`)

describe('kinds of tokens that somebody else wrote', () => {
  it('are fit when they find their samples and nothing that is alike', () => {
    expect(wrong({})).toEqual([])
  })

  it.each<[string, Partial<ShapeEntry>, string]>([
    ['a sample that is not found', { anchors: ['acme_live_x'] }, 'samples.true[0] is not found'],
    [
      'an alike that is found',
      { pattern: 'acme_(?:live|test)_[0-9A-Za-z]{30}', anchors: ['acme_'] },
      'samples.alike[0] is found',
    ],
    ['a sample that is a placeholder', { entropy: 6 }, 'samples.true[0] is not found'],
    ['a pattern without an end', { pattern: 'acme_live_[0-9A-Za-z]+' }, 'unbounded'],
    ['a pattern that looks around', { pattern: 'acme_live_(?=[0-9])' }, 'look-around'],
    ['a match that is too long', { pattern: `acme_live_[0-9A-Za-z]{${LONGEST}}` }, 'a match may be too long'],
    ['an anchor that is too short', { anchors: ['a[a-z]'] }, 'too short'],
    ['a checksum that there is not', { checksum: 'md5' }, 'no checksum md5'],
    [
      'a template that there is not',
      { samples: { ...KIND.samples, true: [['acme_live_{nine:9}']] } },
      'no template nine',
    ],
    [
      'an anchor that every byte of a body can be',
      { anchors: ['[a-z][a-z][a-z][a-z]'], pattern: '[a-z]{4,1500}', after: '[a-z]' },
      'is too many',
    ],
  ])('are refused for %s', (_what, over, why) => {
    expect(wrong(over).join('\n')).toContain(`api-token: `)
    expect(wrong(over).join('\n')).toContain(why)
  })

  it('are held to nothing that those of this program do not keep', () => {
    const entries: readonly ShapeEntry[] = data.shapes
    expect(unfit(entries, (id) => `token/${id}`)).toEqual([])
  }, 60_000)

  it('are refused where two have one id', () => {
    expect(unfit([KIND, KIND], (id) => id)).toEqual(['api-token: there is another of this id'])
  })
})

describe('a scanner with the kinds of a detector', () => {
  const { vendor: _, title: __, source: ___, samples: ____, ...shape } = KIND
  const scanner = scannerWith({ acme: [shape] })
  const token = `acme_live_${'q7Zk2Vb9Xc4Lm1Np8Rt5Sw3Yd6Hf0J'.slice(0, 30)}`

  it('finds them under the name of the detector, and all others as before', () => {
    const [forge = ''] = SHAPES.filter(({ id }) => id === 'github-pat-classic').flatMap((one) =>
      samplesOf(one, 'true'),
    )
    const rulesIn = (text: string) => scanner.scan(bytesOf(text)).hits.map(({ rule }) => rule)
    expect(rulesIn(`${token} ${forge}`)).toEqual(['plugin/acme/api-token', 'token/github-pat-classic'])
    expect(scannerWith({}).scan(bytesOf(token)).hits).toEqual([])
  })

  it('is not made of one that cannot be searched for', () => {
    expect(() => scannerWith({ acme: [{ ...shape, pattern: 'acme_live_.*' }] })).toThrow('unbounded')
    expect(() => scannerWith({ acme: [{ ...shape, checksum: 'none' }] })).toThrow('no checksum')
  })
})
