/** The gRPC library of node at both ends of the door: what it needs of HTTP/2 it gets, and what is refused it says in words. */
import { Client, credentials, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'
import type { handleBidiStreamingCall, handleUnaryCall, ServiceDefinition, ServiceError } from '@grpc/grpc-js'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { h2Route, H2Lab } from './h2-lab.ts'
import { rootCertificate } from './lab.ts'

const SECRET = 'a-secret-of-the-route'
const bytes = (value: Buffer): Buffer => value
const method = (name: string, streaming: boolean) => ({
  path: `/acme.Notes/${name}`,
  requestStream: streaming,
  responseStream: streaming,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
})
const NOTES: ServiceDefinition = { take: method('Take', false), talk: method('Talk', true) }

const take: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
  const trailer = new Metadata()
  trailer.set('x-back', String(call.metadata.get('authorization')[0]))
  answer(null, Buffer.concat([Buffer.from('taken: '), call.request]), trailer)
}
const talk: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('data', (said: Buffer) => call.write(Buffer.concat([Buffer.from('heard: '), said])))
  call.on('end', () => call.end())
}

const server = new Server()
let lab: H2Lab
let client: Client
const environment = process.env['grpc_proxy']

beforeAll(async () => {
  server.addService(NOTES, { take, talk })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  lab = await H2Lab.open({
    routes: [
      h2Route({
        auth: { scheme: 'bearer', secret: 'TOKEN' },
        deny: [{ paths: [{ exact: '/acme.Notes/Burn' }] }],
      }),
    ],
    secrets: { TOKEN: SECRET },
    upstreams: {
      'allowed.test:443': (socket, _all, piece) => {
        socket.removeAllListeners('data')
        const behind = connect(port, '127.0.0.1')
        behind.on('error', () => socket.destroy())
        behind.write(piece)
        socket.pipe(behind).pipe(socket)
      },
    },
  })
  process.env['grpc_proxy'] = `http://127.0.0.1:${lab.lab.ports.proxy}`
  client = new Client('allowed.test:443', credentials.createSsl(Buffer.from(rootCertificate)))
})

afterAll(async () => {
  if (environment === undefined) delete process.env['grpc_proxy']
  else process.env['grpc_proxy'] = environment
  client.close()
  server.forceShutdown()
  await lab.close()
})

interface Called {
  readonly error: ServiceError | null
  readonly said: string | undefined
  readonly trailer: string
}

const call = (path: string, message: Buffer, from = client): Promise<Called> =>
  new Promise((resolve) => {
    let seen: Pick<Called, 'error' | 'said'> | undefined
    from
      .makeUnaryRequest(
        path,
        bytes,
        bytes,
        message,
        (error, said) => (seen = { error, said: said?.toString() }),
      )
      .on('status', ({ metadata }) =>
        setImmediate(() =>
          resolve({
            error: seen?.error ?? null,
            said: seen?.said,
            trailer: String(metadata.get('x-back')[0]),
          }),
        ),
      )
  })

test('a call is answered, with the credential put on and masked in what comes back', async () => {
  const { error, said, trailer } = await call('/acme.Notes/Take', Buffer.from('a note'))
  expect({ error, said }).toEqual({ error: null, said: 'taken: a note' })
  expect(trailer).toBe(`Bearer ${'*'.repeat(SECRET.length)}`)
})

test('a call of megabytes and a packed one are answered', async () => {
  const long = Buffer.alloc(3 * 1024 * 1024, 'ordinary words, ')
  expect((await call('/acme.Notes/Take', long)).said).toHaveLength(long.length + 'taken: '.length)
  const packing = new Client('allowed.test:443', credentials.createSsl(Buffer.from(rootCertificate)), {
    'grpc.default_compression_algorithm': 2,
  })
  const text = 'a note '.repeat(500)
  expect((await call('/acme.Notes/Take', Buffer.from(text), packing)).said).toBe(`taken: ${text}`)
  packing.close()
})

test('a talk goes both ways, each word answered before the next', async () => {
  const talking = client.makeBidiStreamRequest('/acme.Notes/Talk', bytes, bytes)
  const heard: string[] = []
  for (const word of ['one', 'two', 'three']) {
    const answer = new Promise((resolve) => talking.once('data', resolve))
    talking.write(Buffer.from(word))
    heard.push(String(await answer))
  }
  const ended = new Promise<number>((resolve) => talking.once('status', ({ code }) => resolve(code)))
  talking.end()
  expect({ heard, code: await ended }).toEqual({
    heard: ['heard: one', 'heard: two', 'heard: three'],
    code: status.OK,
  })
})

test.each([
  ['what a deny entry refuses', '/acme.Notes/Burn', 'a note', 'rule request-denied'],
  ['a message with a secret', '/acme.Notes/Take', `it is ${SECRET}`, 'Found: secret/TOKEN in the body'],
])('%s is told to the program in words', async (_what, path, message, words) => {
  const { error } = await call(path, Buffer.from(message))
  expect(error?.code).toBe(status.PERMISSION_DENIED)
  expect(error?.details).toContain(words)
})
