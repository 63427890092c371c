/** What must not leave: known secrets and what looks like one, wherever it stands and however it is written. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect } from 'vitest'
import { SHAPES } from '../../../../sidecars/detect/shapes/shape.ts'
import { zipArchive, zipMember } from '../../detect/archives.ts'
import { samplesOf } from '../../../../sidecars/detect/shapes/trial.ts'
import { route } from '../lab.ts'
import type { Lab } from '../lab.ts'
import { inLab } from './case.ts'
import type { Case } from './case.ts'

/** Ours: on a route of another host, so that nothing injects it here. */
const SECRET = 'Zk9-canary/Value+0123456789='
const TOKEN = SHAPES.filter(({ id }) => id === 'github-pat-classic')
  .map((shape) => samplesOf(shape, 'true')[0] ?? '')
  .join('')
const other = route({ host: 'other.test', auth: { scheme: 'bearer', secret: 'env:CANARY' } })
const policy = (dlp?: Parameters<typeof route>[0]) => ({
  routes: [route(dlp), other],
  secrets: { 'env:CANARY': SECRET },
})

const post = (body: Buffer | string, fields = ''): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST /a HTTP/1.1\r\nHost: allowed.test\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
    ),
    Buffer.from(body as string),
  ])
const chunked = (...pieces: readonly string[]): Buffer =>
  Buffer.from(
    `POST /a HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n${pieces
      .map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
      .join('')}0\r\n\r\n`,
  )

/** Each request gets 403, and upstream nothing that holds any part of the body or the secret. */
async function expectBlocked(lab: Lab, requests: Readonly<Record<string, Buffer | string>>): Promise<void> {
  for (const [name, bytes] of Object.entries(requests)) {
    const answer = await (await lab.tunnel()).send(bytes).ended()
    expect(`${name}: ${answer.slice(0, 12)}`).toBe(`${name}: HTTP/1.1 403`)
    expect(answer).not.toContain(SECRET)
  }
  expect(lab.received()).toBe('')
}

async function expectPassed(lab: Lab, requests: Readonly<Record<string, Buffer | string>>): Promise<void> {
  for (const [name, bytes] of Object.entries(requests)) {
    const answer = await (await lab.tunnel()).send(bytes).response()
    expect(`${name}: ${answer.slice(0, 12)}`).toBe(`${name}: HTTP/1.1 200`)
  }
}

const get = (target: string, fields = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: allowed.test\r\n${fields}\r\n`
const percent = encodeURIComponent(SECRET)
const multipart = (part: string): Buffer =>
  post(`--b\r\n${part}\r\n--b--\r\n`, 'Content-Type: multipart/form-data; boundary=b\r\n')

export const dlpCases: readonly Case[] = [
  {
    ids: ['DLP-01'],
    title: 'a known secret leaves in no part of a request',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), (lab) =>
        expectBlocked(lab, {
          path: get(`/a/${percent}/b`),
          'value of a query': get(`/?x=${percent}`),
          'name of a query': get(`/?${percent}=x`),
          'value of a field': get('/', `X-Note: ${SECRET}\r\n`),
          'name of a field': get('/', `X-${SECRET.replaceAll(/[^\w-]/g, '-')}: 1\r\n`),
          cookie: get('/', `Cookie: a=${SECRET}\r\n`),
          'user agent': get('/', `User-Agent: curl/8 ${SECRET}\r\n`),
          'value in JSON': post(JSON.stringify({ a: { b: [SECRET] } }), 'Content-Type: application/json\r\n'),
          'key in JSON': post(JSON.stringify({ [SECRET]: 1 })),
          form: post(`a=1&b=${percent}`, 'Content-Type: application/x-www-form-urlencoded\r\n'),
          'field of a multipart form': multipart(`Content-Disposition: form-data; name="a"\r\n\r\n${SECRET}`),
          'file name of a multipart form': multipart(
            `Content-Disposition: form-data; name="a"; filename="${SECRET}"\r\n\r\nx`,
          ),
          XML: post(`<a b="1">${SECRET}</a>`, 'Content-Type: application/xml\r\n'),
          'binary bytes': post(
            Buffer.concat([Buffer.alloc(99, 0xfe), Buffer.from(SECRET), Buffer.alloc(99, 0xff)]),
          ),
          chunks: chunked('ab', SECRET, 'cd'),
          'several chunks': chunked(...SECRET),
        }),
      ),
  },
  {
    ids: ['DLP-01'],
    title: 'a secret that is split over fields or parameters of one request is one text',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), (lab) =>
        expectBlocked(lab, {
          fields: get(
            '/',
            `X-A: ${SECRET.slice(0, 9)}\r\nX-B: ${SECRET.slice(9, 20)}\r\nX-C: ${SECRET.slice(20)}\r\n`,
          ),
          parameters: get(`/?a=${SECRET.slice(0, 9)}&b=${encodeURIComponent(SECRET.slice(9))}`),
        }),
      ),
  },
  {
    ids: ['DLP-01', 'DLP-11'],
    title: 'what the agent sends as its own credential is scanned before it is dropped',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), (lab) =>
        expectBlocked(lab, {
          bearer: get('/', `Authorization: Bearer ${SECRET}\r\n`),
          key: get(`/?key=${percent}`),
        }),
      ),
  },
  {
    ids: ['DLP-11'],
    title:
      'our own credential goes out where its route puts it, and a credential that is dropped is no finding',
    run: () =>
      inLab(
        {
          routes: [route({ auth: { scheme: 'bearer', secret: 'env:CANARY' } })],
          secrets: { 'env:CANARY': SECRET },
        },
        async (lab) => {
          await expectPassed(lab, {
            plain: get('/'),
            'a token of the agent’s own': get('/', `Authorization: Bearer ${TOKEN}\r\n`),
          })
          expect(lab.received()).toContain(`Authorization: Bearer ${SECRET}`)
          expect(lab.received()).not.toContain(TOKEN)
        },
      ),
  },
  {
    ids: ['DLP-02'],
    title: 'encodings, one inside the other, hide nothing up to four layers',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), (lab) => {
        const base64 = (text: Buffer | string) => Buffer.from(text as string).toString('base64')
        return expectBlocked(lab, {
          base64: post(base64(SECRET)),
          'base64 in a path': get(`/${Buffer.from(`x${SECRET}`).toString('base64url')}`),
          hexadecimal: post(Buffer.from(SECRET).toString('hex')),
          UTF16: post(Buffer.from(SECRET, 'utf16le')),
          'Unicode escapes': post(
            `{"a":"${[...SECRET].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')}"}`,
          ),
          reversed: post([...SECRET].reverse().join('')),
          separated: post([...SECRET].join(' ')),
          'base64 of base64': post(base64(base64(SECRET))),
          'base64 of gzip': post(JSON.stringify({ data: base64(gzipSync(`{"a":"${SECRET}"}`)) })),
          'base64 of gzip of base64 of JSON': post(base64(gzipSync(base64(JSON.stringify({ a: SECRET }))))),
          'a token in hexadecimal of base64': post(Buffer.from(base64(`key: ${TOKEN}`)).toString('hex')),
          'a token in escapes': post(TOKEN.replaceAll('_', '\\u005f')),
          'a token in percent escapes': get(`/?q=${TOKEN.replaceAll('p', '%70')}`),
        })
      }),
  },
  {
    ids: ['DLP-02'],
    title: 'what is documented as not found is not found: when it is, the documents change',
    run: () =>
      inLab(policy(), (lab) =>
        expectPassed(lab, {
          'a cipher': post([...SECRET].map((c) => String.fromCharCode(c.charCodeAt(0) ^ 1)).join('')),
          'two letters swapped': post(`${SECRET[1] ?? ''}${SECRET[0] ?? ''}${SECRET.slice(2)}`),
          'half of it': post(SECRET.slice(0, SECRET.length / 2)),
        }),
      ),
  },
  {
    ids: ['DLP-03'],
    title: 'a packed body is looked into, and what cannot be is not sent',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), (lab) => {
        const coded = (coding: string, body: Buffer) => post(body, `Content-Encoding: ${coding}\r\n`)
        return expectBlocked(lab, {
          gzip: coded('gzip', gzipSync(SECRET)),
          deflate: coded('deflate', deflateSync(SECRET)),
          'deflate without its wrapping': coded('deflate', deflateRawSync(SECRET)),
          brotli: coded('br', brotliCompressSync(SECRET)),
          zstd: coded('zstd', zstdCompressSync(SECRET)),
          'two codings': coded('gzip, br', brotliCompressSync(gzipSync(SECRET))),
          'a coding nobody knows': coded('x-foo', Buffer.from('hello')),
          'a lie': coded('gzip', Buffer.from('hello')),
          'a bomb': coded('gzip', gzipSync(Buffer.alloc(64 * 1024 * 1024))),
          'packed without saying so': post(gzipSync(SECRET)),
        })
      }),
  },
  {
    ids: ['DLP-03'],
    title: 'packed content within a larger body is looked into, and what cannot be is not sent',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), async (lab) => {
        const part = (name: string, content: Buffer) =>
          post(
            Buffer.concat([
              Buffer.from(`--b\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\n`),
              content,
              Buffer.from('\r\n--b--\r\n'),
            ]),
            'Content-Type: multipart/form-data; boundary=b\r\n',
          )
        await expectBlocked(lab, {
          'gzip in a form': part('a.gz', gzipSync(SECRET)),
          'a document in a form': part('a.docx', zipArchive({ 'word/document.xml': `<w:t>${SECRET}</w:t>` })),
          'base64 of an archive in a form': post(
            `a=1&data=${encodeURIComponent(gzipSync(`${'\0'.repeat(512)}${SECRET}`).toString('base64'))}`,
          ),
          'an object of a pack': post(
            Buffer.concat([Buffer.from('PACK\0\0\0\x02\0\0\0\x01\xb5\x02', 'latin1'), deflateSync(SECRET)]),
          ),
          'an encrypted member': part('a.zip', zipMember('a', 'anything', { flags: 1 })),
          'a bomb': part('a.gz', gzipSync(Buffer.alloc(8 * 1024 * 1024))),
        })
        await expectPassed(lab, { 'what holds nothing': part('a.gz', gzipSync('an ordinary text')) })
      }),
  },
  {
    ids: ['DLP-05'],
    title: 'characters that look like others, or like nothing, hide nothing',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), (lab) => {
        const wide = (text: string) =>
          text.replaceAll(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0))
        const bold = (text: string) =>
          text.replaceAll(/[a-z]/g, (sign) => String.fromCodePoint(sign.charCodeAt(0) + 0x1d41a - 97))
        return expectBlocked(lab, {
          'full-width forms': post(wide(SECRET)),
          'mathematical letters': post(JSON.stringify({ a: bold(SECRET) })),
          'letters of another script': post(SECRET.replaceAll('a', 'а')),
          'letters of another script, in escapes': post(SECRET.replaceAll('a', '\\u0430')),
          'combining marks': post([...SECRET].join('\u0301')),
          'zero-width characters': post([...SECRET].join('\u200b')),
          'control bytes': post([...SECRET].join('\u0001')),
          'in a query': get(`/?q=${encodeURIComponent(wide(SECRET))}`),
          'a token in full-width forms': post(`x ${wide(TOKEN)} y`),
          'a token with one other letter': post(`x ${TOKEN.replace('p', 'р')} y`),
          'a token with zero-width characters': post(`x ${[...TOKEN].join('\u200d')} y`),
          'a token with control bytes': post(`x ${[...TOKEN].join('\0')} y`),
        })
      }),
  },
  {
    ids: ['DLP-01'],
    title: 'personal data is looked for where the bottle asks for it, and nowhere else',
    control: 'outbound-scan',
    run: async () => {
      const card = ['4539 5787', '6362 1486'].join(' ')
      const iban = ['DE89', '370400440532013000'].join('')
      const requests = {
        'a card': post(JSON.stringify({ note: `pay with ${card}` })),
        'a bank account in a query': get(`/?iban=${iban}`),
        'a card in base64': post(Buffer.from(`my card: ${card}!`).toString('base64')),
        'a card in a stream': chunked(
          'x '.repeat(3000),
          `pay with ${card.slice(0, 9)}`,
          card.slice(9),
          ' y'.repeat(3000),
        ),
      }
      const dlp = { outboundOnMatch: 'block', inbound: 'off', uninspectable: 'block' } as const
      await inLab(policy({ dlp: { ...dlp, personal: true } }), async (lab) => {
        for (const [name, bytes] of Object.entries(requests)) {
          const answer = await (await lab.tunnel()).send(bytes).ended()
          expect(`${name}: ${answer.slice(0, 12)}`).toBe(`${name}: HTTP/1.1 403`)
          expect(answer).toMatch(/Found: personal\/(?:card|iban) in the (?:head|body)/)
        }
        expect(lab.received()).not.toContain('6362')
      })
      await inLab(policy({ dlp }), (lab) => expectPassed(lab, requests))
    },
  },
  {
    ids: ['DLP-06'],
    title: 'a wrong or missing type, and a body that is not what it says, are scanned all the same',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), (lab) =>
        expectBlocked(lab, {
          'JSON as bytes': post(`{"a":"${SECRET}"}`, 'Content-Type: application/octet-stream\r\n'),
          'no type': post(`a ${SECRET} b`),
          'multipart without boundary': post(
            `--x\r\n\r\n${SECRET}\r\n`,
            'Content-Type: multipart/form-data\r\n',
          ),
          'broken JSON': post(`{"a": [${SECRET}`, 'Content-Type: application/json\r\n'),
          'broken form': post(`%zz=${SECRET}&&`, 'Content-Type: application/x-www-form-urlencoded\r\n'),
        }),
      ),
  },
  {
    ids: ['DLP-07'],
    title: 'a secret is found at any place of a body of any size',
    control: 'outbound-scan',
    run: () =>
      inLab(policy(), async (lab) => {
        const filler = 'The quick brown fox. '.repeat(15_000)
        for (const [name, bytes] of Object.entries({
          'at the end': post(`${filler}${SECRET}`),
          'in the middle of a stream': chunked(filler, SECRET.slice(0, 11), SECRET.slice(11), filler),
          'at the border of what is held back': chunked('x'.repeat(2048 - 7), SECRET, 'y'.repeat(9000)),
        })) {
          const answer = await (await lab.tunnel()).send(bytes).ended()
          expect(`${name}: ${answer.slice(0, 12)}`).toBe(`${name}: HTTP/1.1 403`)
        }
        expect(lab.received()).not.toContain(SECRET.slice(0, 8))
      }),
  },
  {
    ids: ['DLP-09'],
    title: 'redact masks what was found, in place and of equal length; what it cannot rewrite is blocked',
    control: 'outbound-scan',
    run: () =>
      inLab(
        policy({ dlp: { outboundOnMatch: 'redact', inbound: 'off', uninspectable: 'block' } }),
        async (lab) => {
          const body = JSON.stringify({
            a: SECRET,
            b: TOKEN,
            c: Buffer.from(SECRET).toString('base64'),
            d: 'ü€',
          })
          await (await lab.tunnel()).send(post(body)).response()
          const sent = lab.received().slice(lab.received().indexOf('\r\n\r\n') + 4)
          expect(Buffer.byteLength(sent, 'latin1')).toBe(Buffer.byteLength(body))
          expect(Buffer.from(sent, 'latin1').toString()).toMatch(
            /^\{"a":"\*+=?","b":"\*+","c":"\*+=*","d":"ü€"\}$/,
          )
          for (const bytes of [get(`/${TOKEN}`), post(gzipSync(SECRET), 'Content-Encoding: gzip\r\n')])
            expect(await (await lab.tunnel()).send(bytes).ended()).toContain('HTTP/1.1 403')
        },
      ),
  },
  {
    ids: ['DLP-01'],
    title: 'an accepted finding passes on its path until its day, and nothing else does',
    run: () => {
      const rule = 'token/github-pat-classic'
      const accepting = (finding: object) =>
        policy({
          dlp: {
            outboundOnMatch: 'block',
            inbound: 'off',
            uninspectable: 'block',
            accepted: [{ rule, ...finding }],
          },
        })
      return inLab(accepting({ path: '/a', until: '2999-12-31' }), async (lab) => {
        await expectPassed(lab, { accepted: post(`x ${TOKEN} y`) })
        expect(lab.received()).toContain(TOKEN)
        for (const bytes of [post(`x ${TOKEN} ${SECRET}`), get(`/b?x=${TOKEN}`)])
          expect(await (await lab.tunnel()).send(bytes).ended()).toContain('HTTP/1.1 403')
        await inLab(accepting({ until: '2020-01-01' }), (later) =>
          expectBlocked(later, { 'after its day': post(`x ${TOKEN} y`) }),
        )
      })
    },
  },
  {
    ids: ['DLP-01'],
    title:
      'a refusal names the rule, the part and the line that would allow it, and holds nothing of what was found',
    run: () =>
      inLab(policy(), async (lab) => {
        const answer = await (await lab.tunnel()).send(post(`x ${TOKEN} y`)).ended()
        expect(answer).toContain('(rule secret-found). Found: token/github-pat-classic in the body.')
        expect(answer).toContain(
          'egress.allow_findings: [{ rule: token/github-pat-classic, host: allowed.test }]',
        )
        const inPath = await (await lab.tunnel()).send(get(`/${TOKEN}`)).ended()
        expect(inPath).toContain('Found: token/github-pat-classic in the head.')
        expect(JSON.stringify([answer, inPath, lab.lines])).not.toContain(TOKEN.slice(4))
        expect(lab.lines).toContainEqual(
          expect.objectContaining({
            rule: 'secret-found',
            finding: 'token/github-pat-classic',
            place: 'head',
          }),
        )
      }),
  },
]
