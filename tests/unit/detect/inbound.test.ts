import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { INBOUND_RULES, InboundScan } from '../../../sidecars/detect/inbound/scan.ts'
import { attacks, ordinary, SINGLES } from './inbound-corpus.ts'

const rulesOf = (text: string | Buffer, every?: number): readonly string[] => {
  const scan = new InboundScan(() => false, every)
  return [...scan.push(Buffer.from(text)), ...scan.end()]
}

describe('Instructions in answers', () => {
  const all = attacks()

  it('are found by their rule, in every place and spelling of the corpus', () => {
    const missed = all.filter(({ rule, text }) => !rulesOf(text).includes(rule))
    expect(missed.map(({ rule, how, text }) => `${rule} ${how}: ${text.slice(170, 330)}`)).toEqual([])
    expect(all.length).toBeGreaterThan(250)
    expect(new Set(all.map(({ rule }) => rule))).toEqual(new Set(INBOUND_RULES))
  })

  it('are not found in ordinary pages, READMEs and JSON', () => {
    const wrong = [...SINGLES, ...ordinary(2000)].flatMap((text) =>
      rulesOf(text).map((rule) => `${rule}: ${text.slice(0, 300)}`),
    )
    expect(wrong).toEqual([])
  })

  it('are found wherever pieces and blocks are cut', () => {
    const sample = all.filter((_, index) => index % 9 === 0)
    fc.assert(
      fc.property(
        fc.constantFrom(...sample),
        fc.integer({ min: 1, max: 97 }),
        fc.integer({ min: 0, max: 70_000 }),
        ({ rule, text }, size, before) => {
          const bytes = Buffer.from('lorem ipsum '.repeat(before / 12) + text)
          const scan = new InboundScan(() => false, 4096)
          const found: string[] = []
          for (let at = 0; at < bytes.length; at += size * 41)
            found.push(...scan.push(bytes.subarray(at, at + size * 41)))
          expect([...found, ...scan.end()]).toContain(rule)
        },
      ),
      { numRuns: 60, seed: 7 },
    )
  })

  it('are reported once each, and not where the operator has accepted them', () => {
    const [first] = all
    expect(rulesOf(`${first!.text.repeat(200)}`)).toEqual(['inbound/instruction'])
    const scan = new InboundScan((rule) => rule === 'inbound/instruction')
    expect([...scan.push(Buffer.from(first!.text)), ...scan.end()]).toEqual([])
  })
})

describe('The work', () => {
  const hostile: readonly (readonly [string, string])[] = [
    ['words of a phrase', 'ignore all the of any '],
    ['beginnings of addresses', 'note to the ai agents '],
    ['open comments', '<!-- '],
    ['hidden elements', '<a hidden>'],
    ['open tags', '<a style="'],
    ['attributes', '<a alt="xxxxxxxxxxxxxxxxxxxxxxxxx" '],
    ['escapes', '&#x69;\\u0069%69'],
    ['base64 of base64', Buffer.from('QUJD'.repeat(50)).toString('base64')],
    ['hexadecimal', '6162'],
    ['blanks', ' \n\t'],
    ['zero-width characters', '\u200b\u200c'],
    ['overrides of direction', '\u202e\u202d a\n'],
    ['marks', 'a\u0301\u0302\u0303'],
    ['references', '[a]: # ("'],
  ]

  it.each(hostile)('grows with the text alone: %s', (_, piece) => {
    const time = (size: number): number => {
      const text = Buffer.from(piece.repeat(Math.ceil(size / piece.length)))
      const began = performance.now()
      rulesOf(text)
      return performance.now() - began
    }
    time(60_000)
    // At least 1 MB/s, whatever it is made of; a square would need minutes.
    expect(time(1_000_000)).toBeLessThan(4000)
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
        expect(Array.isArray(rulesOf(Buffer.from(bytes)))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})
