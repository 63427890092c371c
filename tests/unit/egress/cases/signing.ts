/** Requests that are signed instead of carrying a credential: over what is sent, with what never leaves (groups D and E). */
import { expect } from 'vitest'
import { answerOk, answerWith, route } from '../lab.ts'
import type { Lab, LabOptions } from '../lab.ts'
import { checkSignature, checking } from '../signing-verify.ts'
import { inLab } from './case.ts'
import type { Case } from './case.ts'

const ID = 'AKIDTESTONLY42'
const KEY = 'kz7/Q2vTestSecret+Access/Key0a9Xw4LmNpRt'
const TOKEN = 'FwoGZXIvTestSessionToken//////////wEaD0a9Xw4LmNpRtQ2v=='
const secrets = { 'env:ID': ID, 'env:KEY': KEY, 'env:TOKEN': TOKEN }
const known = { [ID]: KEY }
const auth = {
  scheme: 'aws-sigv4',
  accessKey: 'env:ID',
  secretKey: 'env:KEY',
  region: 'eu-central-1',
  service: 'bedrock',
} as const
const objects = { ...auth, service: 's3' } as const
const temporary = { ...auth, sessionToken: 'env:TOKEN' } as const
const lab = (
  one: typeof auth | typeof objects | typeof temporary,
  more: Partial<LabOptions> = {},
): LabOptions => ({
  routes: [route({ auth: one })],
  secrets,
  upstreams: { 'allowed.test:443': checking(known) },
  ...more,
})
const text = (length: number): string =>
  'lorem ipsum dolor sit amet, '.repeat(Math.ceil(length / 28)).slice(0, length)
const post = (body: string, fields = '', target = '/model/a.b-v1%3A0/invoke'): string =>
  `POST ${target} HTTP/1.1\r\nHost: allowed.test\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`

async function ask(one: Lab, request: string): Promise<string> {
  return await (await one.tunnel()).send(request).response()
}

async function expectRefused(one: Lab, request: string, rule: string): Promise<void> {
  const answer = await (await one.tunnel()).send(request).ended()
  expect(answer).toContain(`(rule ${rule})`)
  expect(one.received()).toBe('')
}

export const signingCases: readonly Case[] = [
  {
    ids: ['CRD-03'],
    title: 'what a service of AWS is sent is signed with the keys of the route, and its own check holds',
    run: async () => {
      const requests = [
        'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n',
        'GET /a%20b/c:d/(e)?z=1&a=%2B%3B&a&list-type=2 HTTP/1.1\r\nHost: allowed.test\r\nX-Amz-Meta-A: b   c\r\nX-Amz-Meta-A: d\r\n\r\n',
        post('{"prompt":"hello"}', 'Content-Type: application/json\r\nExpect: 100-continue\r\n'),
        post('', 'X-Amz-Target: A.B\r\n'),
        'POST / HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n',
        post(text(300_000)),
      ]
      for (const one of [auth, objects, temporary])
        await inLab(lab(one), async (open) => {
          for (const request of requests) {
            const answer = await ask(open, request)
            expect(answer.replace('HTTP/1.1 100 Continue\r\n\r\n', '')).toMatch(/^HTTP\/1\.1 200/)
          }
          expect(open.received()).not.toContain(KEY)
          expect(open.received().includes(`X-Amz-Security-Token: ${TOKEN}\r\n`)).toBe(one === temporary)
        })
    },
  },
  {
    ids: ['CRD-03'],
    title: 'what the agent signed itself is dropped, in fields and in a URL',
    control: 'credential-strip',
    run: () =>
      inLab(lab(auth), async (open) => {
        const fields =
          'Authorization: AWS4-HMAC-SHA256 Credential=MINE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00\r\nX-Amz-Date: 20200101T000000Z\r\nX-Amz-Content-Sha256: mine-1\r\nX_Amz_Security_Token: mine-2\r\nX-Amz-S3session-Token: mine-3\r\n'
        const target =
          '/?x=1&X-Amz-Signature=mine-4&X-Amz-Credential=mine-5&X-Amz-Security-Token=mine-6&AWSAccessKeyId=mine-7'
        expect(await ask(open, `GET ${target} HTTP/1.1\r\nHost: allowed.test\r\n${fields}\r\n`)).toMatch(
          /valid$/,
        )
        expect(open.received()).toMatch(/^GET \/\?x=1 HTTP/)
        expect(open.received()).not.toMatch(/mine/i)
      }),
  },
  {
    ids: ['CRD-15'],
    title: 'with one of its secrets missing a signed route is blocked: never unsigned',
    control: 'credential-binding',
    run: () =>
      inLab({ routes: [] }, async (open) => {
        for (const missing of ['env:ID', 'env:KEY', 'env:TOKEN']) {
          open.configure([route({ auth: temporary })], { ...secrets, [missing]: '' })
          await expectRefused(open, 'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n', 'credential-missing')
        }
      }),
  },
  {
    ids: ['CRD-05'],
    title: 'a key, region or service that would break a signature apart is never used',
    run: () =>
      inLab({ routes: [] }, async (open) => {
        const request = 'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n'
        for (const value of ['AK/20260101', 'AK, Signature=00', 'AK\r\nX-Evil: 1']) {
          open.configure([route({ auth })], { ...secrets, 'env:ID': value })
          await expectRefused(open, request, 'credential-invalid')
        }
        open.configure([route({ auth: { ...auth, region: 'a/s3' } })], secrets)
        await expectRefused(open, request, 'credential-invalid')
      }),
  },
  {
    ids: ['CRD-06'],
    title: 'requests are signed on https alone',
    control: 'credential-binding',
    run: () =>
      inLab(
        {
          routes: [route({ auth, scheme: 'http', port: 80 })],
          secrets,
          upstreams: { 'allowed.test:80': answerOk },
        },
        async (open) => {
          const client = open.raw('http').send('GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
          expect(await client.ended()).toContain('(rule credential-cleartext)')
          expect(open.received()).toBe('')
        },
      ),
  },
  {
    ids: ['CRD-03'],
    title: 'a body that is not looked at whole goes unsigned where the service takes that, and nowhere else',
    run: async () => {
      // No length is given beforehand, or one of more than 4 MiB.
      const body = text(100_000)
      const flowing = `PUT /a HTTP/1.1\r\nHost: allowed.test\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n${body}\r\n0\r\n\r\n`
      const large = `PUT /a HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 5000000\r\n\r\n${body}`
      await inLab(lab(objects), async (open) => {
        expect(await ask(open, flowing)).toMatch(/valid$/)
        expect(checkSignature(open.received(), known)).toMatchObject({ content: 'UNSIGNED-PAYLOAD' })
      })
      await inLab(lab(auth), async (open) => {
        await expectRefused(open, flowing, 'signing-body')
        await expectRefused(open, large, 'signing-body')
      })
    },
  },
  {
    ids: ['CRD-03'],
    title: 'what was masked on its way is signed as it is sent',
    run: () =>
      inLab(
        lab(auth, {
          routes: [
            route({ auth, dlp: { outboundOnMatch: 'redact', inbound: 'off', uninspectable: 'block' } }),
          ],
        }),
        async (open) => {
          expect(await ask(open, post(`say ${KEY} aloud`))).toMatch(/valid$/)
          expect(open.received()).toContain(`say ${'*'.repeat(KEY.length)} aloud`)
        },
      ),
  },
  {
    ids: ['CRD-03'],
    title: 'a request that could be read in two ways, or is signed in pieces, is refused in words',
    run: () =>
      inLab(lab(objects), async (open) => {
        await expectRefused(open, 'GET /?a=b+c HTTP/1.1\r\nHost: allowed.test\r\n\r\n', 'signing-unclear')
        const pieces = 'Content-Encoding: aws-chunked\r\nX-Amz-Decoded-Content-Length: 3\r\n'
        await expectRefused(open, post('3;chunk-signature=00\r\nabc\r\n', pieces), 'signing-pieces')
      }),
  },
  {
    ids: ['CRD-07'],
    title: 'keys and session token are masked in what comes back',
    control: 'response-scrub',
    run: () =>
      inLab(
        lab(temporary, {
          upstreams: {
            'allowed.test:443': answerWith(() => {
              const body = `${ID} ${KEY} ${TOKEN} ${Buffer.from(KEY).toString('base64')} ${encodeURIComponent(TOKEN)}`
              return `HTTP/1.1 200 OK\r\nX-Token: ${TOKEN}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
            }),
          },
        }),
        async (open) => {
          const answer = await ask(open, 'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
          for (const value of [
            ID,
            KEY,
            TOKEN,
            Buffer.from(KEY).toString('base64'),
            encodeURIComponent(TOKEN),
          ])
            expect(answer).not.toContain(value)
        },
      ),
  },
  {
    ids: ['CRD-14', 'CRD-02'],
    title: 'a client that signs with placeholders is signed for anew; elsewhere they are refused',
    control: 'placeholder-slot',
    run: async () => {
      const placeholders = {
        'env:ID': 'bot_bottle_placeholder_0f3a9c51d27e4b86a1c05d9e7f2b3c48',
        'env:KEY': 'bot_bottle_placeholder_9b1e5d70c3f24a68b7d10e9c8a5f6321',
        'env:TOKEN': 'bot_bottle_placeholder_5c4e1f7a8b2d4039967ae3d1c0b5f284',
      }
      const signature = `Authorization: AWS4-HMAC-SHA256 Credential=${placeholders['env:ID']}/20260101/eu-central-1/bedrock/aws4_request, SignedHeaders=host, Signature=00\r\n`
      const token = `X-Amz-Security-Token: ${placeholders['env:TOKEN']}\r\n`
      await inLab(lab(temporary, { marks: { placeholders } }), async (open) => {
        for (const fields of [
          `X-Other: ${placeholders['env:ID']}\r\n`,
          `X-Amz-Security-Token: ${placeholders['env:KEY']}\r\n`,
          signature.replace(placeholders['env:ID'], placeholders['env:TOKEN']),
        ])
          await expectRefused(open, post('', fields), 'placeholder-misplaced')
        expect(await ask(open, post('{}', signature + token))).toMatch(/valid$/)
      })
    },
  },
]
