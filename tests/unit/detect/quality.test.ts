import { describe, expect, it } from 'vitest'
import { ENCODINGS, MISSES } from './quality-encodings.ts'
import { FAMILIES } from './quality-ordinary.ts'
import { PLACES, ruleOf, seededRandom } from './quality-places.ts'
import { BOTTLE, bottleOf, SEED, TOKENS, trueSamples } from './quality-secrets.ts'

/** All of it in `npm run test:long`, else a tenth of what is true and a fifth of what is ordinary. */
const isLong = process.env['BOT_BOTTLE_LONG'] === '1'
const PARTS = isLong ? Array.from({ length: 10 }, (_, part) => part) : [0]
const OF_EACH_FAMILY = isLong ? 450 : 90

describe('Detection on a seeded corpus', () => {
  it('finds at least 99 in 100 of what is declared, of every encoding and kind', { timeout: 300_000 }, () => {
    const rows = new Map<string, { all: number; found: number }>()
    for (const part of PARTS)
      for (const { secret, encoding, sent, random } of trueSamples(part, 10)) {
        const rule = ruleOf(sent, BOTTLE, random, 'allow')
        const name = `${encoding} | ${secret.kind}`
        const { all, found } = rows.get(name) ?? { all: 0, found: 0 }
        const isFound = secret.kind === 'known' ? rule === secret.rule : rule?.startsWith('token/')
        rows.set(name, { all: all + 1, found: found + (isFound === true ? 1 : 0) })
      }
    if (isLong)
      process.stdout.write(
        [...rows].map(([name, { all, found }]) => `| ${name} | ${found} of ${all} |\n`).join(''),
      )
    const counts = [...rows.values()]
    const all = counts.reduce((sum, row) => sum + row.all, 0)
    expect(all).toBeGreaterThanOrEqual(3000)
    expect(counts.reduce((sum, { found }) => sum + found, 0) / all).toBeGreaterThanOrEqual(0.99)
    expect(rows.size).toBe(ENCODINGS.length + ENCODINGS.filter(({ of }) => of === 'both').length)
    // Of a quick run's some sixty samples a row, one is more than a hundredth.
    const low = [...rows].filter(([, row]) => row.all - row.found > Math.max(1, row.all / 100))
    expect(low).toEqual([])
  })

  it.each(MISSES)('does not find what is $name, as declared', (encoding) => {
    const value = 'Zk9canaryValue0123456789xyQ'
    const random = seededRandom(SEED, encoding.name)
    const body = PLACES.find(({ name }) => name === 'multipart file')
    expect(body).toBeDefined()
    const carried = encoding.write(Buffer.from(value), random)
    expect(body && ruleOf(body.put(carried, random), bottleOf(value), random)).toBeUndefined()
  })

  it('does not find a token directly behind a slash where base64 would look like its kind', () => {
    const barred = TOKENS.filter(
      ({ notInPath, text }) => notInPath === true && /^[A-Za-z0-9]+$/.test(text.toString('latin1')),
    )
    expect(barred.length).toBeGreaterThan(5)
    for (const { text, rule } of barred) {
      const sent = { host: 'api.example.com', path: `/v1/items/${text.toString('latin1')}` }
      expect(ruleOf(sent, BOTTLE, seededRandom(SEED)), rule).toBeUndefined()
    }
  })

  it('does not find a value with fewer than ten letters and digits', () => {
    const sent = { host: 'api.example.com', path: '/', body: Buffer.from('the value is aB3-dE5/gH') }
    expect(ruleOf(sent, bottleOf('aB3-dE5/gH'), seededRandom(SEED))).toBeUndefined()
  })

  it.each([
    ['bytes around it', 'percent escapes of some bytes'],
    ['bytes around it', 'JSON escapes of some characters'],
    ['JSON body', 'one character a line'],
  ])('finds, in %s, %s', (place, encoding) => {
    const value = 'Zk9canaryValue0123456789xyQ'
    const random = seededRandom(SEED, place)
    const carried = ENCODINGS.find(({ name }) => name === encoding)?.write(Buffer.from(value), random)
    const sent = carried && PLACES.find(({ name }) => name === place)?.put(carried, random)
    expect(sent).toBeDefined()
    expect(sent && ruleOf(sent, bottleOf(value), random)).toMatch(/^secret\//)
  })

  it('refuses at most 1 in 10,000 ordinary requests', { timeout: 300_000 }, () => {
    const refused: string[] = []
    let all = 0
    for (const [family, write] of Object.entries(FAMILIES))
      for (let index = 0; index < OF_EACH_FAMILY; index++) {
        const random = seededRandom(SEED, family, index)
        const rule = ruleOf(write(random), BOTTLE, random)
        all += 1
        if (rule !== undefined) refused.push(`${family}: ${rule}`)
      }
    expect(all).toBeGreaterThanOrEqual(isLong ? 20_000 : 4000)
    expect(refused.length, refused.join('\n')).toBeLessThanOrEqual(all / 10_000)
  })
})
