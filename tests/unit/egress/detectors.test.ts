/** Kinds of tokens that a detector of the user adds to those that egress always looks for. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { TokenShape } from '../../../src/model/token-shape.ts'
import type { RoutePolicy } from '../../../src/model/policy.ts'
import { Lab, route } from './lab.ts'

const KIND: TokenShape = { id: 'api-token', anchors: ['acme_live_'], pattern: 'acme_live_[0-9A-Za-z]{30}' }
const TOKEN = ['acme_', 'live_q7Zk2Vb9Xc4Lm1Np8Rt5Sw3Yd6Hf0J'].join('')

let lab: Lab
beforeEach(async () => {
  lab = await Lab.open({ routes: [route()], marks: { detectors: { acme: [KIND] } } })
})
afterEach(() => lab.close())

const sent = async (text: string): Promise<string> => {
  const client = await lab.tunnel()
  const body = `{"note":"${text}"}`
  client.send(`POST /a HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  return client.response()
}
const configured = (kinds: readonly TokenShape[] | undefined, routes: readonly RoutePolicy[] = [route()]) => {
  const { detectors: _, ...config } = lab.config(routes)
  return { ...config, ...(kinds && { detectors: { acme: kinds } }) }
}

it('are refused under the name of the detector, with the line that would accept them', async () => {
  const answer = await sent(TOKEN)
  expect(answer).toMatch(/^HTTP\/1\.1 403/)
  expect(answer).toContain('plugin/acme/api-token')
  expect(answer).toContain('egress.allow_findings: [{ rule: plugin/acme/api-token, host: allowed.test }]')
  expect(lab.lines).toMatchObject([{ decision: 'deny', finding: 'plugin/acme/api-token' }])
  expect(JSON.stringify(lab.lines)).not.toContain(TOKEN)
  expect(lab.received()).toBe('')
})

it('are found in an encoding as well, and what only begins like one goes out', async () => {
  expect(await sent(Buffer.from(`token ${TOKEN}`).toString('base64'))).toMatch(/^HTTP\/1\.1 403/)
  expect(await sent(TOKEN.slice(0, -1))).toMatch(/^HTTP\/1\.1 200/)
})

it('go out where the operator accepts them', async () => {
  const accepted = route({
    dlp: {
      outboundOnMatch: 'block',
      inbound: 'off',
      uninspectable: 'block',
      accepted: [{ rule: 'plugin/acme/api-token' }],
    },
  })
  lab.egress.configure(configured([KIND], [accepted]))
  expect(await sent(TOKEN)).toMatch(/^HTTP\/1\.1 200/)
})

it('are those of the last configuration, and told in the status', async () => {
  const before = lab.egress.status('n').known
  lab.egress.configure(configured([{ ...KIND, pattern: 'acme_live_[0-9A-Za-z]{29}', after: '[0-9A-Za-z]' }]))
  expect(await sent(TOKEN)).toMatch(/^HTTP\/1\.1 200/)
  expect(await sent(TOKEN.slice(0, -1))).toMatch(/^HTTP\/1\.1 403/)
  expect(lab.egress.status('n').known['detector/acme']).not.toBe(before['detector/acme'])
  lab.egress.configure(configured(undefined))
  expect(await sent(TOKEN.slice(0, -1))).toMatch(/^HTTP\/1\.1 200/)
  expect(lab.egress.status('n').known).toEqual({})
})

it('that cannot be searched for change nothing: the configuration is refused whole', async () => {
  expect(() => lab.egress.configure(configured([{ ...KIND, pattern: 'acme_live_.*' }]))).toThrow('unbounded')
  expect(await sent(TOKEN)).toMatch(/^HTTP\/1\.1 403/)
})
