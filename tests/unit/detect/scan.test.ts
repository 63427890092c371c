import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprints } from '../../../sidecars/detect/fingerprint.ts'
import { KnownSecrets } from '../../../sidecars/detect/known.ts'
import { Room, scanRequest, WHOLE_MAX } from '../../../sidecars/detect/scan.ts'
import type { BodyScan, Finding, ScanRules } from '../../../sidecars/detect/scan.ts'
import { createShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { SHAPES } from '../../../sidecars/detect/shapes/shape.ts'
import { samplesOf } from '../../../sidecars/detect/shapes/trial.ts'

const SECRET = 'Zk9-canary/Value+0123456789='
const TOKENS = SHAPES.filter(({ id }) => /^(github|npm|stripe|slack)/.test(id)).map(
  (shape) => samplesOf(shape, 'true')[0] ?? '',
)
const key = Buffer.alloc(32, 1)
const detectors = {
  known: new KnownSecrets(key, fingerprints(key, 'env:S', SECRET)),
  shapes: createShapeScanner(),
}
const rules = (changes: Partial<ScanRules> = {}): ScanRules => ({
  detectors,
  dlp: { outboundOnMatch: 'block', uninspectable: 'block' },
  room: new Room(64 * 1024 * 1024),
  accepted: () => false,
  ...changes,
})

function body(length: number | undefined, changes?: Partial<ScanRules>, encodings: string[] = []): BodyScan {
  const scanned = scanRequest({ sent: '', given: '', body: { length, encodings } }, rules(changes))
  if ('rule' in scanned || scanned.body === undefined) throw new Error('no body')
  return scanned.body
}

/** What went on, and what stopped it. */
function passed(
  scan: BodyScan,
  text: Buffer,
  cuts: readonly number[],
): { readonly out: Buffer; readonly finding?: Finding } {
  const out: Buffer[] = []
  let at = 0
  const sizes = [...cuts, text.length]
  for (const size of sizes) {
    if (at >= text.length) break
    const result = scan.push(Buffer.from(text.subarray(at, at + size)))
    at += size
    if (!Buffer.isBuffer(result)) return { out: Buffer.concat(out), finding: result }
    out.push(Buffer.from(result))
  }
  const last = scan.end()
  if (!Buffer.isBuffer(last)) return { out: Buffer.concat(out), finding: last }
  return { out: Buffer.concat([...out, last]) }
}

setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')
/** Bytes, after a collection. */
function memoryHeld(): number {
  if (typeof collectGarbage !== 'function') throw new Error('no collection')
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const filler = fc.string({ unit: fc.constantFrom(...'abc .,"{}\n<>&%\\=+/0'), maxLength: 6000 })
const cuts = fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 20 })
const written = fc.constantFrom(
  SECRET,
  Buffer.from(SECRET).toString('hex'),
  Buffer.from(`{"a":"${SECRET}"}`).toString('base64'),
  encodeURIComponent(encodeURIComponent(SECRET)),
  ...TOKENS,
)

describe('A head', () => {
  it('is searched for a value whose parts are parameters, also where signs of them are escaped', () => {
    const half = (text: string): string => text.replaceAll(/[0-9]/g, (digit) => `%3${digit}`)
    for (const written of [(text: string) => text, half]) {
      const given = `host\n/path\n${written(SECRET.slice(0, 13))}\n${written(SECRET.slice(13))}\n`
      expect(scanRequest({ sent: '', given }, rules())).toMatchObject({ rule: 'secret/env:S', place: 'head' })
    }
  })
})

describe('A body', () => {
  it('of any length and however it comes lets no secret and no token through, whole or begun', () => {
    fc.assert(
      fc.property(filler, written, filler, cuts, fc.boolean(), (before, secret, after, sizes, known) => {
        const text = Buffer.from(`${before} ${secret} ${after}`)
        const { out, finding } = passed(body(known ? text.length : undefined), text, sizes)
        expect(finding?.rule).toMatch(/^(?:secret\/env:S|token\/)/)
        expect(out.length).toBeLessThanOrEqual(Buffer.byteLength(before) + 1)
      }),
      { numRuns: 150 },
    )
  })

  it('without a secret goes on byte for byte', () => {
    fc.assert(
      fc.property(filler, filler, cuts, fc.boolean(), (one, two, sizes, known) => {
        const text = Buffer.concat([Buffer.from(one), randomBytes(500), Buffer.from(two)])
        const { out, finding } = passed(body(known ? text.length : undefined), text, sizes)
        expect(finding).toBeUndefined()
        expect(out.equals(text)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('is masked in place where a route redacts, whatever the cuts', () => {
    fc.assert(
      fc.property(
        filler,
        fc.constantFrom(SECRET, ...TOKENS),
        filler,
        cuts,
        (before, secret, after, sizes) => {
          const text = Buffer.from(`${before} ${secret} ${after}`)
          const scan = body(undefined, { dlp: { outboundOnMatch: 'redact', uninspectable: 'block' } })
          const { out, finding } = passed(scan, text, sizes)
          expect(finding).toBeUndefined()
          expect(out.length).toBe(text.length)
          expect(out.includes(secret.slice(4, -4))).toBe(false)
          expect(out.subarray(0, Buffer.byteLength(before)).toString()).toBe(before)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('that is a private key is masked to its last line, or as far as it is written, where a route redacts', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const redacts = { dlp: { outboundOnMatch: 'redact', uninspectable: 'block' } } as const
    const line = pem.split('\n')[9] ?? ''
    const told = (text: string): object => ({ messages: [{ role: 'tool', text }, { role: 'user' }] })
    for (const chat of [
      JSON.stringify(told(pem)),
      JSON.stringify({ arguments: JSON.stringify(told(pem)) }),
      JSON.stringify(told(pem.replaceAll(/(.+)\n/g, '"$1\\n" +\n'))),
      JSON.stringify(told(pem.slice(0, 900))),
      JSON.stringify(told(Buffer.from(pem).toString('base64'))),
    ]) {
      const { out, finding } = passed(body(chat.length, redacts), Buffer.from(chat), [])
      expect(finding).toBeUndefined()
      expect(out.length).toBe(chat.length)
      expect(out.includes(line.slice(0, 16))).toBe(false)
      expect(out.toString()).toMatch(/role\W+user/)
      expect(() => void JSON.parse(out.toString())).not.toThrow()
    }
    const between = Buffer.from(`${'x'.repeat(3000)} ${pem}`)
    expect(passed(body(undefined, redacts), between, [3900]).finding?.rule).toBe('token/private-key-pkcs8')
    const holding = Buffer.from(pem.replace(line, `${line.slice(0, 12)}${SECRET}${line.slice(12)}`))
    const { out } = passed(body(holding.length, redacts), holding, [])
    expect(out.toString('latin1').trimEnd()).toMatch(/^\*+$/)
  })

  it('that is packed hides nothing before, behind or beside what is unpacked of it', () => {
    const secret = Buffer.from(SECRET)
    const zeros = Buffer.alloc(8)
    const skipped = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, secret.length, 0, 0, 0]), secret])
    const member = gzipSync('a').subarray(10)
    const gzipHead = (flags: number): Buffer => Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3])
    const [zstd, br] = [zstdCompressSync(Buffer.from('a')), brotliCompressSync('a')]
    const rows: readonly (readonly [coding: string, rule: string, ...Buffer[]])[] = [
      ['gzip', 'uninspectable/damaged', gzipSync('a'), zeros, gzipSync(secret)],
      ['gzip', 'secret/env:S', gzipSync('a'), gzipSync(secret)],
      ['gzip', 'secret/env:S', gzipHead(8), secret, zeros.subarray(0, 1), member],
      ['gzip', 'secret/env:S', gzipHead(4), Buffer.from([secret.length, 0]), secret, member],
      ['deflate', 'uninspectable/damaged', deflateSync('a'), secret],
      ['deflate', 'uninspectable/damaged', deflateRawSync('a'), secret],
      ['br', 'uninspectable/damaged', br, secret],
      ['br', 'uninspectable/damaged', br, brotliCompressSync(secret)],
      ['zstd', 'uninspectable/damaged', zstd, zstdCompressSync(secret)],
      ['zstd', 'uninspectable/damaged', skipped, zstd],
      ['zstd', 'uninspectable/damaged', zstd, skipped],
    ]
    for (const [coding, rule, ...parts] of rows) {
      const packed = Buffer.concat(parts)
      expect([coding, passed(body(packed.length, {}, [coding]), packed, []).finding]).toMatchObject([
        coding,
        { rule },
      ])
    }
    const twice = brotliCompressSync(Buffer.concat([gzipHead(8), secret, zeros.subarray(0, 1), member]))
    expect(passed(body(twice.length, {}, ['gzip', 'br']), twice, []).finding?.rule).toBe('secret/env:S')
    const filled = Buffer.concat([gzipSync('a'), zeros])
    expect(passed(body(filled.length, {}, ['gzip']), filled, []).finding).toBeUndefined()
  })

  it('costs little more than its bytes, in however many pieces it comes', () => {
    const slab = Buffer.alloc(1000, 'a')
    for (const [encodings, bytes] of [
      [['gzip'], 1],
      [[], 0],
    ] as const) {
      const scan = body(undefined, {}, [...encodings])
      const before = memoryHeld()
      for (let count = 0; count < 500_000; count++) scan.push(slab.subarray(0, bytes))
      expect(memoryHeld() - before).toBeLessThan(8_000_000)
      expect(Buffer.isBuffer(scan.push(slab))).toBe(true)
    }
  })

  it('that is packed and too long to be had whole cannot be looked into: said, or passed where that is allowed', () => {
    const packed = gzipSync(randomBytes(WHOLE_MAX + 100_000))
    const cutsOf64K = Array.from({ length: 80 }, () => 65_536)
    expect(passed(body(packed.length), packed, cutsOf64K).finding?.rule).toBe('uninspectable/cut')
    const allowing = { dlp: { outboundOnMatch: 'block', uninspectable: 'allow' } } as const
    expect(passed(body(packed.length, allowing), packed, cutsOf64K).out.equals(packed)).toBe(true)
    expect(passed(body(packed.length, {}, ['gzip']), packed, cutsOf64K).finding?.rule).toBe(
      'uninspectable/too-large',
    )
    expect(passed(body(packed.length, allowing, ['gzip']), packed, cutsOf64K).out.equals(packed)).toBe(true)
  })

  it('that comes piece by piece shows what is packed in it as far as one piece reaches, else that is said', () => {
    const before = randomBytes(3000)
    const small = Buffer.concat([before, gzipSync(`a ${SECRET} b`), randomBytes(9000)])
    const large = Buffer.concat([before, gzipSync(randomBytes(60_000)), randomBytes(9000)])
    for (const size of [900, 5000, 20_000]) {
      const sizes = Array.from({ length: 100 }, () => size)
      expect(passed(body(undefined), small, sizes).finding?.rule).toBe('secret/env:S')
      expect(passed(body(undefined), large, sizes).finding?.rule).toBe('uninspectable/cut')
    }
  })

  it('waits for nobody’s room: where there is none it is refused, and what ended gives its room back', () => {
    const room = new Room(1000)
    const one = body(800, { room })
    expect(Buffer.isBuffer(one.push(Buffer.alloc(800, 'a')))).toBe(true)
    const two = body(300, { room, dlp: { outboundOnMatch: 'block', uninspectable: 'allow' } })
    expect(two.push(Buffer.alloc(300, 'a'))).toEqual({ rule: 'uninspectable/no-room', place: 'body' })
    two.dispose()
    one.dispose()
    one.dispose()
    expect(room.take(1000)).toBe(true)
    expect(room.take(1)).toBe(false)
  })
})
