/** Names under a wildcard: each is a message to whoever serves the zone (group B, DNS). */
import { connect } from 'node:tls'
import { expect } from 'vitest'
import { NAMES_AT_ONCE } from '../../../../sidecars/egress/client/names.ts'
import { answerOk, route } from '../lab.ts'
import type { Lab } from '../lab.ts'
import { inLab } from './case.ts'
import type { Case } from './case.ts'

const SECRET = 'Zk9canaryValue0123456789xyQ'
const CANARY = '8Z5Rr2z5KTcLsGrbiF1zk1EDhlJiDKP4'
const wild = route({ host: '*.wild.test' })
const other = route({ host: 'other.test', auth: { scheme: 'bearer', secret: 'env:CANARY' } })
const base = {
  routes: [wild, other],
  secrets: { 'env:CANARY': SECRET },
  marks: { canary: CANARY },
  upstreams: { 'plain.wild.test:443': answerOk },
}
const base32 = (text: string): string => {
  const bits = [...Buffer.from(text)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five, 2)])
    .join('')
}

/** Labels that must not be looked up, each with the finding. */
const BLOCKED: readonly (readonly [string, string])[] = [
  [SECRET.toLowerCase(), 'secret/env:CANARY'],
  [`a-${SECRET.toLowerCase()}-b`, 'secret/env:CANARY'],
  [base32(SECRET), 'secret/env:CANARY'],
  [Buffer.from(SECRET).toString('hex'), 'secret/env:CANARY'],
  [CANARY.toLowerCase(), 'canary'],
  ['mfzwk3tfonzwi2lomf2gs33ojfxgy5dboruw63tt7q2x5m3k', 'exfiltration/label'],
]

async function expectPassed(lab: Lab, host: string): Promise<void> {
  const answer = await (await lab.tunnel(host)).send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).response()
  expect(answer.slice(0, 12)).toBe('HTTP/1.1 200')
}

export const nameCases: readonly Case[] = [
  {
    ids: ['DNS-05'],
    title: 'a label that carries a secret, the canary or encoded bytes is refused before it is looked up',
    control: 'outbound-scan',
    run: () =>
      inLab(base, async (lab) => {
        for (const [label, finding] of BLOCKED.filter(([, rule]) => rule !== 'canary')) {
          const host = `${label}.wild.test`
          const answer = await (
            await lab.tunnel(host)
          )
            .send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
            .ended()
          expect(answer).toContain(`Found: ${finding} in the head.`)
          expect(lab.lines.at(-1)).toMatchObject({ finding, host: '*.wild.test' })
          expect(JSON.stringify(lab.lines)).not.toContain(label)
        }
        expect(lab.dialled).toEqual([])
        await expectPassed(lab, 'plain.wild.test')
      }),
  },
  {
    ids: ['DNS-05'],
    title: 'a name of a passthrough route is scanned too, for it is all that is seen',
    control: 'outbound-scan',
    run: () =>
      inLab(
        { ...base, routes: [route({ host: '*.wild.test', tlsPassthrough: true }), other] },
        async (lab) => {
          for (const [label, finding] of BLOCKED.filter(([, rule]) => rule !== 'canary')) {
            const host = `${label}.wild.test`
            const client = lab.raw().send(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
            await client.until('\r\n\r\n')
            const secured = connect({ socket: client.release(), servername: host, rejectUnauthorized: false })
            await new Promise((resolve) => secured.once('error', resolve).once('secureConnect', resolve))
            expect(lab.lines.at(-1)).toMatchObject({ decision: 'deny', finding })
          }
          expect(lab.dialled).toEqual([])
        },
      ),
  },
  {
    ids: ['DNS-05'],
    title: 'the canary in a label is refused before it is looked up',
    control: 'canary',
    run: () =>
      inLab(base, async (lab) => {
        const host = `${CANARY.toLowerCase()}.wild.test`
        const answer = await (await lab.tunnel(host)).send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).ended()
        expect(answer).toContain('(rule canary)')
        expect(lab.dialled).toEqual([])
      }),
  },
  {
    ids: ['DNS-05'],
    title: 'new names under a wildcard are so many and no more, and names in use go on',
    control: 'name-budget',
    run: () =>
      inLab(
        {
          ...base,
          routes: [route({ host: '*.wild.test', port: 80, scheme: 'http' })],
          upstreams: { 'n0.wild.test:80': answerOk },
        },
        async (lab) => {
          const ask = async (host: string): Promise<string> =>
            (await lab.raw().send(`GET http://${host}/ HTTP/1.0\r\nHost: ${host}\r\n\r\n`).ended()).slice(
              9,
              12,
            )
          for (let index = 0; index < NAMES_AT_ONCE; index++)
            expect(await ask(`n${index}.wild.test`)).toBe(index === 0 ? '200' : '502')
          const dialled = lab.dialled.length
          expect(await ask('another.wild.test')).toBe('403')
          expect(lab.lines.at(-1)).toMatchObject({ decision: 'deny', rule: 'name-budget' })
          expect(lab.dialled.length).toBe(dialled)
          expect(await ask('n0.wild.test')).toBe('200')
        },
      ),
  },
]
