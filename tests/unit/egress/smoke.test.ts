import { afterEach, expect, test } from 'vitest'
import { answerOk, answerWith, Lab, route } from './lab.ts'

let lab: Lab | undefined
afterEach(() => lab?.close())

test('a request in a tunnel reaches its upstream with our framing, and the next one uses the same connections', async () => {
  lab = await Lab.open({ routes: [route()] })
  const client = await lab.tunnel()
  expect(await client.get('/a?b=c', 'X-One: 1\r\n')).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  expect(await client.get('/b')).toContain('200 OK')
  expect(lab.received()).toBe(
    'GET /a?b=c HTTP/1.1\r\nHost: allowed.test\r\nX-One: 1\r\n\r\nGET /b HTTP/1.1\r\nHost: allowed.test\r\n\r\n',
  )
  expect(lab.upstream().connections).toBe(1)
  expect(lab.dialled).toEqual(['allowed.test:443'])
})

test('an answer whose end is known comes in one record, also where a credential is masked in it', async () => {
  const secret = 'kept-0a1B2c3D4e5F6g7H8i9J'
  const echo = `HTTP/1.1 200 OK\r\nContent-Length: ${5 + secret.length}\r\n\r\necho=${secret}`
  lab = await Lab.open({
    routes: [route({ auth: { scheme: 'bearer', secret: 'env:KEY' } })],
    secrets: { 'env:KEY': secret },
    upstreams: { 'allowed.test:443': answerWith(() => echo) },
  })
  const client = await lab.tunnel()
  const records: string[] = []
  client.socket.on('data', (piece: Buffer) => records.push(piece.toString('latin1')))
  await client.get('/')
  await client.get('/again')
  expect(records).toEqual([echo, echo].map((text) => text.replace(secret, '*'.repeat(secret.length))))
})

test('a request in absolute form reaches a declared http route', async () => {
  lab = await Lab.open({
    routes: [route({ scheme: 'http', port: 80 })],
    upstreams: { 'allowed.test:80': answerOk },
  })
  const client = lab.raw().send('GET http://allowed.test/a HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
  expect(await client.response()).toContain('200 OK')
  expect(lab.upstream('allowed.test:80').received()).toBe('GET /a HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
})

test('clients that ignore proxy variables are served by server name and by Host', async () => {
  lab = await Lab.open({
    routes: [route(), route({ scheme: 'http', port: 80 })],
    upstreams: { 'allowed.test:80': answerOk },
  })
  const tls = await lab.secure(lab.raw('tls'), 'allowed.test')
  expect(await tls.get('/t')).toContain('200 OK')
  expect(await lab.raw('http').get('/h')).toContain('200 OK')
  expect(lab.received()).toContain('GET /t HTTP/1.1')
  expect(lab.received()).toContain('GET /h HTTP/1.1')
})

test('an undeclared host is refused in words on the CONNECT itself', async () => {
  lab = await Lab.open({ routes: [route()] })
  const client = lab.raw().send('CONNECT pastebin.example:443 HTTP/1.1\r\nHost: pastebin.example:443\r\n\r\n')
  const answer = await client.ended()
  expect(answer).toContain(
    'HTTP/1.1 403 bot-bottle: pastebin.example is not declared for this bottle (rule host-undeclared).\r\n',
  )
  expect(answer).toContain('The operator can allow it with\n  egress.routes: [{ host: pastebin.example }]\n')
  expect(lab.dialled).toEqual([])
  expect(lab.lines).toMatchObject([
    { decision: 'deny', rule: 'host-undeclared', host: 'pastebin.example', port: 443 },
  ])
})
