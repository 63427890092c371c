/** The way to a forge: which addresses, which certificates, and nothing between that nobody asked for. */
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judgeAddresses, readEndpoint } from '../../../src/forges/rest/endpoint.ts'
import { request } from '../../../src/forges/rest/request.ts'
import { createLeaf, createRoot, openAuthority } from '../../../src/model/x509.ts'
import { openServer } from '../../conformance/forges/server.ts'
import type { ApiServer } from '../../conformance/forges/server.ts'
import { giteaAt, NEVER } from './lab.ts'

const DAY = 86_400_000
const EMPTY = { status: 200, body: [], headers: { 'x-total-count': '0' } }
const now = new Date()
const authority = createRoot({
  commonName: 'Test authority of a forge',
  notBefore: new Date(now.getTime() - DAY),
  notAfter: new Date(now.getTime() + DAY),
})

function certificateFor(host: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: createLeaf({
      issuer: openAuthority(authority),
      host,
      publicKey: publicKey.export({ type: 'spki', format: 'der' }),
      now,
    }),
  }
}

let plain: ApiServer
let secure: ApiServer
let elsewhere: ApiServer
beforeAll(async () => {
  plain = await openServer(() => EMPTY)
  secure = await openServer(() => EMPTY, certificateFor('localhost'))
  elsewhere = await openServer(() => EMPTY, certificateFor('other.example'))
})
afterAll(async () => {
  for (const server of [plain, secure, elsewhere]) await server.close()
})

describe('the URL of an API', () => {
  it.each([
    [
      'https://gitea.acme.example/api/v1',
      { secure: true, host: 'gitea.acme.example', port: 443, base: '/api/v1' },
    ],
    ['https://gitea.acme.example:3000/', { secure: true, host: 'gitea.acme.example', port: 3000, base: '' }],
    ['http://127.0.0.1:3000/api/v1/', { secure: false, host: '127.0.0.1', port: 3000, base: '/api/v1' }],
    ['http://[::1]:3000/api/v1', { secure: false, host: '::1', port: 3000, base: '/api/v1' }],
    ['http://localhost/api/v1', { secure: false, host: 'localhost', port: 80, base: '/api/v1' }],
  ])('%s is one', (api, endpoint) => expect(readEndpoint(api)).toEqual(endpoint))

  it.each([
    'ftp://gitea.acme.example/',
    'gitea.acme.example',
    'https://user:word@gitea.acme.example/api/v1',
    'https://gitea.acme.example/api/v1?token=x',
    'https://gitea.acme.example/api/v1#x',
    'http://gitea.acme.example/api/v1',
    'http://10.0.0.1/api/v1',
    'http://localhost.acme.example/api/v1',
    'http://127.0.0.1.acme.example/api/v1',
  ])('%s is none', async (api) => {
    expect(readEndpoint(api)).toHaveProperty('refused')
    await expect(giteaAt(api).list('acme/app', NEVER)).rejects.toMatchObject({
      code: 'forge-url',
      fate: 'unsent',
    })
  })
})

describe('the address of an API', () => {
  const judged = (address: string, allowPrivate: boolean, isSecure = true) =>
    Array.isArray(judgeAddresses([address], { secure: isSecure, allowPrivate }))

  it('is global, or with allow_private private or this machine', () => {
    for (const address of ['192.0.66.1', '2606:4700::1']) {
      expect([address, judged(address, false)]).toEqual([address, true])
    }
    for (const address of [
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      'fd12::1',
      '127.0.0.1',
      '::1',
    ]) {
      expect([address, judged(address, false)]).toEqual([address, false])
      expect([address, judged(address, true)]).toEqual([address, true])
    }
  })

  it('[SPP-15] is never a metadata service, link-local or no unicast, in whatever spelling', () => {
    const never = [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      '64:ff9b::a9fe:a9fe',
      '2002:a9fe:a9fe::1',
      '100.100.100.200',
      'fd00:ec2::254',
      '168.63.129.16',
      '169.254.1.1',
      'fe80::1',
      'fe80::1%eth0',
      '0.0.0.0',
      '::',
      '224.0.0.1',
      '255.255.255.255',
      'ff02::1',
      'metadata',
    ]
    for (const address of never) expect([address, judged(address, true)]).toEqual([address, false])
  })

  it('is this machine where http is spoken', () => {
    expect(judged('127.0.0.1', true, false)).toBe(true)
    expect(judged('::1', true, false)).toBe(true)
    for (const address of ['10.0.0.1', '192.0.66.1']) expect(judged(address, true, false)).toBe(false)
  })

  it('is left out among several, and named where none is left', () => {
    const options = { secure: true, allowPrivate: false }
    expect(judgeAddresses(['169.254.169.254', '192.0.66.1', '10.0.0.1'], options)).toEqual(['192.0.66.1'])
    expect(judgeAddresses(['10.0.0.1', '127.0.0.1'], options)).toEqual({
      refused: '10.0.0.1 (10.0.0.0/8: private, RFC 1918), 127.0.0.1 (127.0.0.0/8: loopback, RFC 1122)',
    })
  })

  it('[SPP-15] a forge at an address that is not meant gets no connection, by number or by name', async () => {
    const before = plain.seen.length
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])
      for (const api of [`http://${host}:${plain.port}/api/v1`, `https://${host}:${secure.port}/api/v1`])
        await expect(giteaAt(api, { allowPrivate: false }).list('acme/app', NEVER)).rejects.toMatchObject({
          code: 'forge-address',
          fate: 'unsent',
          hint: expect.stringContaining('allow_private'),
        })
    await expect(giteaAt('https://169.254.169.254/api/v1').list('acme/app', NEVER)).rejects.toMatchObject({
      code: 'forge-address',
      message: expect.stringContaining('metadata service'),
    })
    expect(plain.seen.length).toBe(before)
    expect(secure.seen).toEqual([])
    expect(await giteaAt(`http://localhost:${plain.port}/api/v1`).list('acme/app', NEVER)).toEqual([])
  })

  it('is dialled as it was judged: the name is not asked for again', async () => {
    const endpoint = { secure: false, host: 'forge.invalid', port: plain.port, base: '/api/v1' }
    const sent = { method: 'GET', path: '/x', headers: {} } as const
    const answer = await request(endpoint, ['127.0.0.1'], sent, { trust: [], signal: NEVER })
    expect(answer.status).toBe(200)
    expect(plain.seen.at(-1)?.headers.host).toBe(`forge.invalid:${plain.port}`)
  })
})

describe('the certificate of an API', () => {
  const trust = [authority.certificate]
  const list = (port: number, over = {}) =>
    giteaAt(`https://localhost:${port}/api/v1`, over).list('acme/app', NEVER)

  it('is trusted by an authority that the manifest names', async () => {
    expect(await list(secure.port, { trust })).toEqual([])
  })

  it('is refused by another authority, for another name, and where no TLS is spoken', async () => {
    const before = [secure.seen.length, elsewhere.seen.length]
    const refused = {
      code: 'forge-tls',
      fate: 'unsent',
      transient: false,
      hint: expect.stringContaining('uplink.trust'),
    }
    await expect(list(secure.port)).rejects.toMatchObject(refused)
    await expect(list(elsewhere.port, { trust })).rejects.toMatchObject(refused)
    await expect(list(plain.port, { trust })).rejects.toMatchObject({ code: 'forge-tls', fate: 'unsent' })
    expect([secure.seen.length, elsewhere.seen.length]).toEqual(before)
  })
})

describe('the environment', () => {
  const script = `
    import { giteaAt, NEVER } from ${JSON.stringify(join(import.meta.dirname, 'lab.ts'))}
    const [, api] = process.argv
    const said = await giteaAt(api).list('acme/app', NEVER).then(() => 'listed', (error) => error.code)
    process.stdout.write(said)`
  const listedBy = async (api: string, env: Record<string, string>) => {
    const argv = ['--input-type=module', '-e', script, api]
    const { stdout } = await promisify(execFile)(process.execPath, argv, {
      env: { PATH: process.env['PATH'], ...env },
    })
    return stdout
  }

  it('brings no proxy between', async () => {
    const proxy = await openServer(() => ({ status: 502 }))
    const url = `http://127.0.0.1:${proxy.port}`
    const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
    const env = { NODE_USE_ENV_PROXY: '1', ...Object.fromEntries(proxies.map((name) => [name, url])) }
    expect(await listedBy(`http://127.0.0.1:${plain.port}/api/v1`, env)).toBe('listed')
    expect(proxy.seen).toEqual([])
    await proxy.close()
  })

  it('does not switch certificates off', async () => {
    const api = `https://localhost:${secure.port}/api/v1`
    expect(await listedBy(api, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toBe('forge-tls')
  })
})
