import { describe, expect, it } from 'vitest'
import { ManifestError } from '../../../src/model/errors.ts'
import { Report, REPORTED_MAX } from '../../../src/manifest/report.ts'
import { decode, MANIFEST_MAX } from '../../../src/manifest/source.ts'
import { readYaml } from '../../../src/manifest/yaml.ts'
import { loadText, refusal } from './loading.ts'

const SIZE = 64 * 1024
const fill = (piece: string, before = '', after = ''): string =>
  before + piece.repeat(Math.floor((SIZE - before.length - after.length) / piece.length)) + after
const chain = (link: (at: number) => string, count: number): string =>
  Array.from({ length: count }, (_, at) => link(at)).join('')

/** 64 kB each (SPP-02). */
const HOSTILE: Readonly<Record<string, string>> = {
  'brackets that open': fill('['),
  'brackets that open and close': `${fill('[').slice(0, SIZE / 2)}${']'.repeat(SIZE / 2)}`,
  'maps in maps in brackets': fill('{a: '),
  'dashes on one line': fill('- '),
  'question marks on one line': fill('? '),
  'indentation without end': chain((at) => `${' '.repeat(at)}a:\n`, 350),
  'a bomb of aliases': `a: &a [x,x,x,x,x,x,x,x,x]\n${chain(
    (at) =>
      `${String.fromCharCode(98 + at)}: &${String.fromCharCode(98 + at)} [${Array(9)
        .fill(`*${String.fromCharCode(97 + at)}`)
        .join(',')}]\n`,
    20,
  )}`,
  'a bomb of merge keys': `a: &a {x: 1}\n${chain((at) => `b${at}: { <<: *a, <<: *a }\n`, 2500)}`,
  'anchors on one value': fill('&a '),
  'tags on one value': fill('!a '),
  'quotes after quotes': fill('"'),
  'aliases to nothing': chain((at) => `k${at}: *a\n`, 6000),
  directives: fill('%a\n'),
  documents: fill('---\n'),
  'the same key': fill('a: 1\n'),
  'many keys': chain((at) => `k${at}: 1\n`, 7000),
  'control characters': fill('\u0001'),
  'a definition that everything extends': `version: 1\nstack: acme\nbottles:\n  a: { egress: { routes: [${chain((at) => `{host: a${at}.x},`, 1000)}] } }\n${chain((at) => `  b${at}: {extends: a}\n`, 1500)}`,
  'a regular expression without end': `version: 1\nstack: acme\nbottles: { dev: { egress: { routes: [{ host: a.b, matches: [{ paths: [{ regex: "${'(a+)+'.repeat(10_000)}" }] }] }] } } }\n`,
  'an e-mail address without end': `version: 1\nstack: acme\nbottles: { dev: { git: { user: { email: "${'@'.repeat(60_000)}" } } } }\n`,
  'a name without end': `version: 1\nstack: ${'a-'.repeat(30_000)}\n`,
  'a host without end': `version: 1\nstack: acme\nbottles: { dev: { egress: { routes: [{ host: "${'a.'.repeat(30_000)}" }] } } }\n`,
}

describe('[SPP-02] a hostile manifest of 64 kB', () => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    it(`gives diagnostics and little else: ${name}`, async () => {
      const error = await refusal(loadText(text))
      expect(error).toBeInstanceOf(ManifestError)
      expect(error.diagnostics.length).toBeLessThanOrEqual(REPORTED_MAX + 1)
    })
  }

  it('pollutes no prototype', async () => {
    await refusal(
      loadText(
        'version: 1\nstack: acme\n__proto__: { polluted: yes }\nbottles: { constructor: { prototype: { polluted: yes } } }\nuplink: { hosts: { __proto__: { polluted: yes } } }\n',
      ),
    )
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('is refused by its size before it is read', () => {
    const report = new Report()
    expect(
      decode(
        { file: 'big.yaml', folder: '/', path: '/big.yaml', bytes: new Uint8Array(MANIFEST_MAX + 1) },
        report,
      ),
    ).toBeUndefined()
    expect(report.diagnostics.map(({ code }) => code)).toEqual(['file-too-large'])
  })

  it('is UTF-8 with or without a byte order mark, never UTF-16', () => {
    const read = (bytes: Uint8Array): readonly string[] => {
      const report = new Report()
      const text = decode({ file: 'f', folder: '/', path: '/f', bytes }, report)
      if (text) readYaml(text, report)
      return report.diagnostics.map(({ code }) => code)
    }
    expect(read(Buffer.from('\ufeffversion: 1\n'))).toEqual([])
    expect(read(Buffer.from('\ufeffversion: 1\n', 'utf16le'))).toEqual(['not-utf8'])
  })
})
