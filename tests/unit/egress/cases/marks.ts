/** What the agent holds that is nobody's secret: placeholders for credentials, and the canary (groups D and E). */
import { expect } from 'vitest'
import { foreignPrints } from '../../../../sidecars/detect/foreign.ts'
import { answerOk, route } from '../lab.ts'
import type { Lab } from '../lab.ts'
import { inLab } from './case.ts'
import type { Case } from './case.ts'

const VALUE = 'npm-value-7Hd82kQmZx41'
const PLACEHOLDER = 'bot_bottle_placeholder_0f3a9c51d27e4b86a1c05d9e7f2b3c48'
const OTHER = 'bot_bottle_placeholder_9b1e5d70c3f24a68b7d10e9c8a5f6321'
const CANARY = '8Z5Rr2z5KTcLsGrbiF1zk1EDhlJiDKP4'
const secrets = { 'env:NPM_TOKEN': VALUE, 'env:OTHER': 'other-value-51Zk0aQ' }
const ELSEWHERE = 'value-of-another-bottle-93kQz7Hd82mZx41'
const THEIRS = 'bot_bottle_placeholder_5c4e1f7a8b2d4039967ae3d1c0b5f284'
const key = Buffer.alloc(32, 7)
const others = {
  placeholders: { 'reviewer env:NPM_TOKEN': THEIRS },
  key: key.toString('hex'),
  values: { 'env:ELSEWHERE': foreignPrints(key, ELSEWHERE), 'env:UNKNOWN': null },
}
const marks = { others, placeholders: { 'env:NPM_TOKEN': PLACEHOLDER, 'env:OTHER': OTHER }, canary: CANARY }
const bearer = { scheme: 'bearer', secret: 'env:NPM_TOKEN' } as const
const registry = route({ auth: bearer, matches: [{ paths: [{ prefix: '/' }] }] })
const plain = route({ host: 'plain.test' })
const own = route({ host: 'own.test', auth: { scheme: 'from-agent' } })
const base = {
  routes: [registry, plain, own],
  secrets,
  marks,
  upstreams: { 'plain.test:443': answerOk, 'own.test:443': answerOk },
}
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const base64url = (text: string): string => Buffer.from(text).toString('base64url')

async function expectRefused(lab: Lab, host: string, request: string, rule: string): Promise<void> {
  const before = lab.received()
  const client = await lab.tunnel(host)
  const answer = await client.send(request.replace('HOST', host)).ended()
  expect([request, answer]).toEqual([request, expect.stringContaining(`(rule ${rule})`)])
  expect(lab.received()).toBe(before)
  expect(lab.lines.at(-1)).toMatchObject({ decision: 'deny', rule, host })
}

const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: HOST\r\n${fields}\r\n`
const post = (body: string, fields = ''): string =>
  `POST /x HTTP/1.1\r\nHost: HOST\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

export const markCases: readonly Case[] = [
  {
    ids: ['CRD-14', 'CRD-02'],
    title: 'a placeholder in the slot of its route becomes the value, once, in every form clients write',
    run: async () => {
      const cases = [
        [bearer, `Authorization: Bearer ${PLACEHOLDER}\r\n`, '/', `Authorization: Bearer ${VALUE}`],
        [
          bearer,
          `Authorization: Basic ${base64(`bot:${PLACEHOLDER}`)}\r\n`,
          '/',
          `Authorization: Bearer ${VALUE}`,
        ],
        [bearer, `authorization: ${PLACEHOLDER}\r\n`, '/', `Authorization: Bearer ${VALUE}`],
        [
          { scheme: 'basic', username: '__token__', secret: 'env:NPM_TOKEN' },
          `Authorization: Basic ${base64(`__token__:${PLACEHOLDER}`)}\r\n`,
          '/',
          `Authorization: Basic ${base64(`__token__:${VALUE}`)}`,
        ],
        [
          { scheme: 'basic', username: 'u', secret: 'env:NPM_TOKEN' },
          `Authorization: Basic ${base64(`${PLACEHOLDER}:x-oauth-basic`)}\r\n`,
          '/',
          `Authorization: Basic ${base64(`u:${VALUE}`)}`,
        ],
        [
          { scheme: 'header', name: 'X-Registry', secret: 'env:NPM_TOKEN' },
          `x-registry: ${PLACEHOLDER}\r\n`,
          '/',
          `X-Registry: ${VALUE}`,
        ],
        [
          { scheme: 'query', name: 'api', secret: 'env:NPM_TOKEN' },
          '',
          `/?a=1&api=${PLACEHOLDER}`,
          `/?a=1&api=${VALUE} `,
        ],
      ] as const
      for (const [auth, fields, target, expected] of cases)
        await inLab({ ...base, routes: [route({ auth })] }, async (lab) => {
          const answer = await (await lab.tunnel()).get(target, fields)
          expect([fields, answer.slice(0, 12)]).toEqual([fields, 'HTTP/1.1 200'])
          expect(lab.received().split(expected)).toHaveLength(2)
          expect(lab.received()).not.toContain('placeholder')
          expect(lab.received()).not.toContain(base64(`bot:${PLACEHOLDER}`))
        })
    },
  },
  {
    ids: ['CRD-14', 'CRD-02'],
    title: 'a placeholder anywhere else of its own route is refused and not forwarded',
    control: 'placeholder-slot',
    run: () =>
      inLab(base, async (lab) => {
        for (const request of [
          get(`/${PLACEHOLDER}`),
          get(`/?q=${PLACEHOLDER}`),
          get(`/?token=${PLACEHOLDER}`),
          get('/', `X-Note: ${PLACEHOLDER}\r\n`),
          get('/', `Cookie: a=${PLACEHOLDER}\r\n`),
          get('/', `User-Agent: ${base64(PLACEHOLDER)}\r\n`),
          // In the slot, but not as a credential: many times over, or inside something else.
          get('/', `Authorization: Bearer ${PLACEHOLDER}${PLACEHOLDER}\r\n`),
          get('/', `Authorization: Bearer x${PLACEHOLDER}\r\n`),
          get('/', `Authorization: Bearer ${PLACEHOLDER}\r\nX-Note: ${PLACEHOLDER}\r\n`),
          get('/', `Authorization: Bearer ${OTHER}\r\n`),
          post(`{"token":"${PLACEHOLDER}"}`),
          post(`token=${encodeURIComponent(PLACEHOLDER)}&x=1`),
          post(base64(base64(PLACEHOLDER))),
        ])
          await expectRefused(lab, 'allowed.test', request, 'placeholder-misplaced')
      }),
  },
  {
    ids: ['CRD-14', 'CRD-02'],
    title:
      'a placeholder for a host that does not carry its value is refused there, also where the agent may send its own',
    control: 'placeholder-slot',
    run: () =>
      inLab(base, async (lab) => {
        for (const host of ['plain.test', 'own.test'])
          for (const fields of [
            `Authorization: Bearer ${PLACEHOLDER}\r\n`,
            `Authorization: Basic ${base64(`u:${PLACEHOLDER}`)}\r\n`,
            `X-Api-Key: ${PLACEHOLDER}\r\n`,
          ])
            await expectRefused(lab, host, get('/', fields), 'placeholder-misplaced')
      }),
  },
  {
    ids: ['CRD-14'],
    title: 'half a placeholder is text like any other and gets no value',
    run: () =>
      inLab(base, async (lab) => {
        await (await lab.tunnel('plain.test')).get(`/?q=${PLACEHOLDER.slice(0, 40)}`, '', 'plain.test')
        expect(lab.upstream('plain.test:443').received()).toContain(PLACEHOLDER.slice(0, 40))
        expect(lab.received()).not.toContain(VALUE)
      }),
  },
  {
    ids: ['CRD-14'],
    title: 'where findings are masked, a placeholder in a body is masked and gets no value',
    run: () =>
      inLab(
        {
          ...base,
          routes: [route({ dlp: { outboundOnMatch: 'redact', inbound: 'off', uninspectable: 'block' } })],
        },
        async (lab) => {
          await (
            await lab.tunnel()
          )
            .send(post(`{"env":"${PLACEHOLDER}"}`).replace('HOST', 'allowed.test'))
            .until('ok')
          expect(lab.received()).toContain(`{"env":"${'*'.repeat(PLACEHOLDER.length)}"}`)
        },
      ),
  },
  {
    ids: ['DLP-01'],
    title: 'the canary is refused wherever it stands and however it is written',
    control: 'canary',
    run: () =>
      inLab(base, async (lab) => {
        for (const host of ['allowed.test', 'plain.test', 'own.test'])
          for (const request of [
            get(`/${CANARY}`),
            get(`/?q=${encodeURIComponent(base64(CANARY))}`),
            get('/', `Authorization: Bearer ${CANARY}\r\n`),
            get('/', `X-Note: ${Buffer.from(CANARY).toString('hex')}\r\n`),
            post(`{"env":{"BACKUP_TOKEN":"${CANARY}"}}`),
            post([...CANARY].reverse().join('')),
          ])
            await expectRefused(lab, host, request, 'canary')
      }),
  },
  {
    ids: ['CRD-02'],
    title: 'the placeholder of another bottle is refused wherever it is sent',
    control: 'placeholder-slot',
    run: () =>
      inLab(base, async (lab) => {
        for (const host of ['allowed.test', 'plain.test', 'own.test'])
          for (const request of [
            get('/', `Authorization: Bearer ${THEIRS}\r\n`),
            get(`/?q=${THEIRS}`),
            post(base64(THEIRS)),
          ])
            await expectRefused(lab, host, request, 'placeholder-misplaced')
      }),
  },
  {
    ids: ['DLP-01'],
    title: 'a value of another bottle is refused, and egress holds nothing that shows it or says whose it is',
    control: 'outbound-scan',
    run: () =>
      inLab(base, async (lab) => {
        for (const request of [
          get(`/?q=${ELSEWHERE}`),
          get('/', `X-Note: ${ELSEWHERE.replaceAll('-', '_').toUpperCase()}\r\n`),
          get('/', `Authorization: Bearer ${ELSEWHERE}\r\n`),
          post(Buffer.from(`{"a":"${ELSEWHERE}"}`).toString('hex')),
          post(base64(`x${ELSEWHERE}`)),
        ])
          await expectRefused(lab, 'plain.test', request, 'secret-found')
        expect(lab.lines.at(-1)).toMatchObject({ finding: 'secret/of-another-bottle' })
        expect(JSON.stringify([lab.egress.status('n'), marks.others])).not.toContain(ELSEWHERE)
      }),
  },
  {
    ids: ['DLP-01'],
    title: 'where findings are masked, a canary in a body is masked and told of once, and status says when',
    control: 'canary',
    run: () =>
      inLab(
        {
          ...base,
          log: 'blocks',
          routes: [route({ dlp: { outboundOnMatch: 'redact', inbound: 'off', uninspectable: 'block' } })],
        },
        async (lab) => {
          expect(lab.egress.status('n').canaryAt).toBeUndefined()
          const body = `{"env":"${CANARY}","again":"${CANARY}"}`
          await (await lab.tunnel()).send(post(body).replace('HOST', 'allowed.test')).until('ok')
          expect(lab.received()).not.toContain(CANARY)
          expect(lab.lines).toMatchObject([
            { decision: 'allow', rule: 'route', finding: 'canary', place: 'body' },
          ])
          expect(Date.parse(lab.egress.status('n').canaryAt ?? '')).toBeGreaterThan(Date.now() - 60_000)
        },
      ),
  },
  {
    ids: ['CRD-13'],
    title: 'a request that is refused before it is scanned is told of without what scanning would have found',
    run: () =>
      inLab(
        { ...base, routes: [{ ...registry, matches: [{ paths: [{ prefix: '/declared/' }] }] }] },
        async (lab) => {
          const untold = [CANARY, PLACEHOLDER, ELSEWHERE, THEIRS, [...VALUE].join('-')]
          for (const value of [...untold, ...untold.map(base64url)]) {
            const request = get(`/undeclared/${value}`).replace('HOST', 'allowed.test')
            await (await lab.tunnel()).send(request).ended()
            expect(lab.lines.at(-1)).toMatchObject({
              rule: 'request-undeclared',
              path: expect.stringMatching(/^(?:\/undeclared\/)?\*+$/),
            })
          }
          await lab
            .raw()
            .send(get(`http://${CANARY}.test/`).replace('HOST', `${CANARY}.test`))
            .ended()
          expect(lab.lines.at(-1)).toMatchObject({ rule: 'host-undeclared', host: `${'*'.repeat(32)}.test` })
          await (await lab.tunnel()).send(get('/undeclared/a').replace('HOST', 'allowed.test')).ended()
          expect(lab.lines.at(-1)).toMatchObject({ path: '/undeclared/a', host: 'allowed.test' })
        },
      ),
  },
]
