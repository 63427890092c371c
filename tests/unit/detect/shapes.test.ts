import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { crc32Base62, entropy } from '../../../sidecars/detect/checksum.ts'
import { anchorsOf, compileShape } from '../../../sidecars/detect/shapes/compile.ts'
import { readPattern } from '../../../sidecars/detect/shapes/pattern.ts'
import { createShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { LONGEST, SHAPES } from '../../../sidecars/detect/shapes/shape.ts'
import { bytesOf, samplesOf } from '../../../sidecars/detect/shapes/trial.ts'

const scanner = createShapeScanner()
const rulesIn = (text: string): readonly string[] => scanner.scan(bytesOf(text)).hits.map(({ rule }) => rule)
const read = (name: string): string =>
  readFileSync(new URL(`../../../sidecars/detect/shapes/${name}`, import.meta.url), 'utf8')

describe('shapes.json', () => {
  it('keeps to its schema', () => {
    const validate = new Ajv2020({ allErrors: true }).compile(
      JSON.parse(read('shapes.schema.json')) as object,
    )
    validate(JSON.parse(read('shapes.json')))
    expect(validate.errors).toBeNull()
  })

  it('has more than 170 kinds, each under an id of its own', () => {
    const ids = SHAPES.map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(170)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('names a document for each, by address or by name', () => {
    const unnamed = SHAPES.filter(
      ({ source }) => !/^https:\/\/[a-z0-9.-]+\/|^RFC \d+|OpenSSH|PuTTY/.test(source),
    )
    expect(unnamed.map(({ id }) => id)).toEqual([])
  })

  it('bounds every pattern: the longest match is known and short', () => {
    const lengths = SHAPES.map((shape) => [shape.id, compileShape(shape).max] as const)
    expect(lengths.filter(([, max]) => !(max > 0 && max < LONGEST))).toEqual([])
  })

  it('has an anchor in every sample, where the shape says it is', () => {
    for (const shape of SHAPES) {
      const anchors = anchorsOf(shape)
      const { lead, searched } = compileShape(shape)
      for (const text of samplesOf(shape, 'true')) {
        const [hit] = scanner.scan(bytesOf(text)).hits.filter(({ rule }) => rule === `token/${shape.id}`)
        const at = [...bytesOf(text).keys()].filter((begin) =>
          anchors.some((places) =>
            places.every((set, place) => set[bytesOf(text)[begin + place] ?? 0] === 1),
          ),
        )
        const distance = at.map((begin) => begin - (hit?.start ?? Number.NaN))
        const stands = distance.some((bytes) => (searched ? bytes >= 0 && bytes <= lead : bytes === lead))
        expect({ id: shape.id, stands }).toEqual({ id: shape.id, stands: true })
      }
    }
  })

  it('holds no token whole: no scan of the file itself finds one', () => {
    expect(rulesIn(read('shapes.json'))).toEqual([])
  })
})

describe('patterns', () => {
  it.each([
    ['a*', 'unbounded'],
    ['a+', 'unbounded'],
    ['a{3,}', 'without a bound'],
    ['(?:ab){2}', 'quantified group'],
    ['a{2}{3}', 'quantified quantifier'],
    ['a{2}?', 'quantified quantifier'],
    ['(?=a)b', 'look-around'],
    ['(?<=a)b', 'look-around'],
    ['(a)\\1', 'escape'],
    ['a.', 'unknown sign'],
    ['^a', 'unknown sign'],
    ['\\w{3}', 'escape'],
    ['(a)(b)', 'second capture'],
    ['[z-a]', 'empty range'],
    ['(a', 'open group'],
  ])('%s is refused', (pattern, why) => {
    expect(() => readPattern(pattern)).toThrow(why)
  })

  it('may have classes of any length, each its own', () => {
    const [first, second] = ['abcd', 'wxyz'].map((letters) => readPattern(`[${letters.repeat(30)}]`).head[0])
    expect([first?.[0x61], first?.[0x77], second?.[0x61], second?.[0x77]]).toEqual([1, 0, 0, 1])
    expect(readPattern('[abc]', true).head[0]?.[0x41]).toBe(1)
    expect(readPattern('[abc]').head[0]?.[0x41]).toBe(0)
  })

  it('know their lengths and how they begin', () => {
    const { min, max, head, rest } = readPattern('ab[0-9]{2,4}(?:-x|yz)?')
    expect([min, max, head.length]).toEqual([4, 8, 4])
    expect(String.fromCharCode(...[...rest.keys()].filter((byte) => rest[byte] === 1))).toBe('-0123456789xyz')
  })
})

describe('every shape', () => {
  it.each(SHAPES.map((shape) => [shape.id, shape] as const))(
    '%s: its samples, and none that is alike',
    (id, shape) => {
      for (const text of samplesOf(shape, 'true'))
        expect([text, ...rulesIn(text)]).toEqual([text, `token/${id}`])
      for (const text of samplesOf(shape, 'alike')) expect([text, ...rulesIn(text)]).toEqual([text])
    },
  )

  it('is found in a JSON string behind an escaped line break', () => {
    const lost = SHAPES.filter((shape) => {
      const [text = ''] = samplesOf(shape, 'true')
      return !rulesIn(`{"content":"see\\n${text}`).includes(`token/${shape.id}`)
    })
    expect(lost.map(({ id }) => id)).toEqual([])
  })

  it('is found directly behind whatever assigns or quotes a value', () => {
    const befores = ['key=', 'token=', 'token:', '\\"', ...'"\'`([{<,;?&@|']
    const lost = SHAPES.flatMap((shape) =>
      samplesOf(shape, 'true').flatMap((text) => {
        const [{ start = 0, end = 0 } = {}] = scanner.scan(bytesOf(text)).hits
        const token = text.slice(start, end)
        return befores
          .filter((before) => !rulesIn(before + token).includes(`token/${shape.id}`))
          .map((before) => `${shape.id} behind ${before}`)
      }),
    )
    expect(lost).toEqual([])
  })
})

describe('values that vendors print', () => {
  const documented = SHAPES.flatMap((shape) => shape.documented.map((value) => [shape.id, value] as const))

  it('are marked, and a sample is not', () => {
    for (const shape of SHAPES) {
      const [text = ''] = samplesOf(shape, 'true')
      expect(scanner.scan(bytesOf(text)).hits.map((hit) => hit.documented)).toEqual([false])
    }
  })

  it.each([
    ['aws-access-key', ['AKIA', 'IOSFODNN7EXAMPLE']],
    ['stripe-secret-key', ['sk_test_', '4eC39HqLyjWDarjtT1zdp7dc']],
    ['telegram-bot-token', ['110201543:', 'AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw']],
    ['slack-bot-token', ['xoxb-', '17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy']],
    ['basic-credentials', ['Authorization: Basic ', 'QWxhZGRpbjpvcGVuIHNlc2FtZQ==']],
    ['aws-secret-key', ['AWS_SECRET_ACCESS_KEY=', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY']],
    ['url-password-postgres', ['postgres://app:', 'password@localhost/app']],
  ])('%s', (id, parts) => {
    expect(scanner.scan(bytesOf(parts.join(''))).hits).toMatchObject([
      { rule: `token/${id}`, documented: true },
    ])
  })

  it('have the shape that they are listed under', () => {
    const unlike = documented.filter(([id, value]) => {
      const shape = SHAPES.find((each) => each.id === id)
      if (!shape) return true
      const [text = ''] = samplesOf(shape, 'true')
      const { start = 0, end = 0 } = scanner.scan(bytesOf(text)).hits[0] ?? {}
      const found = compileShape(shape).expression
      found.lastIndex = start
      const own = found.exec(text)
      const put =
        text.slice(0, start) + text.slice(start, end).replace(own?.[1] ?? own?.[0] ?? '', () => value)
      return !scanner.scan(bytesOf(put + text.slice(end))).hits.some((hit) => hit.documented)
    })
    expect(unlike).toEqual([])
  })

  it('are no cover for more behind them', () => {
    const text = ['postgres://app:', 'passwordBut4Longer@db.internal/app'].join('')
    expect(scanner.scan(bytesOf(text)).hits).toMatchObject([{ documented: false }])
  })
})

describe('checksums', () => {
  it.each(['github-pat-classic', 'github-oauth', 'github-app-user', 'github-app-server', 'age-secret-key'])(
    'of %s say where it ends: what is glued to it hides nothing, what is alike is none',
    (id) => {
      const shape = SHAPES.find((each) => each.id === id)
      if (!shape) throw new Error(`no shape ${id}`)
      for (const glued of ['A', 'A=', 'Q7', '0123456789']) {
        for (const text of samplesOf(shape, 'true')) {
          const { end = 0 } = scanner.scan(bytesOf(text)).hits[0] ?? {}
          expect(rulesIn(text.slice(0, end) + glued)).toEqual([`token/${id}`])
        }
        for (const text of samplesOf(shape, 'alike')) expect(rulesIn(text + glued)).toEqual([])
      }
    },
  )

  it('agree with a token that the forge made', () => {
    expect(crc32Base62(['zQWBuTSOoRi4A9sp', 'HcVY5ncnsDkxkJ'].join(''))).toBe('0mLq17')
  })

  it('entropy is in bits per byte', () => {
    expect(entropy('aaaaaaaa')).toBe(0)
    expect(entropy('abcdefgh')).toBe(3)
  })
})
