import { execFile, execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { answerAgent, serveAgent } from '../../../sidecars/gate/agent.ts'
import { parsePrivateKey } from '../../../sidecars/gate/keys.ts'
import { SshReader, sshString } from '../../../src/model/ssh-wire.ts'

const folder = mkdtempSync(join(tmpdir(), 'bb-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

function made(name: string, ...options: readonly string[]): { secret: string; line: string; file: string } {
  const file = join(folder, name)
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', '', '-f', file, ...options])
  return { file, secret: readFileSync(file, 'utf8'), line: readFileSync(`${file}.pub`, 'utf8').trim() }
}

/** `ssh-keygen` with our agent; its exit code. */
const run = (args: readonly string[], socket: string, input?: string): Promise<number> =>
  new Promise((resolve) => {
    const env = { SSH_AUTH_SOCK: socket, PATH: '/usr/bin:/bin' }
    const child = execFile('ssh-keygen', [...args], { cwd: folder, env }, (error) =>
      resolve(error === null ? 0 : Number(error.code ?? -1)),
    )
    child.stdin?.end(input)
  })

describe.each([
  ['ed25519', ['-t', 'ed25519']],
  ['nistp256', ['-t', 'ecdsa', '-b', '256']],
  ['nistp384', ['-t', 'ecdsa', '-b', '384']],
  ['nistp521', ['-t', 'ecdsa', '-b', '521']],
  ['rsa', ['-t', 'rsa', '-b', '2048']],
  ['rsa-pem', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
  ['ecdsa-pkcs8', ['-t', 'ecdsa', '-m', 'PKCS8']],
])('a key as ssh-keygen writes it: %s', (name, options) => {
  const { secret, line } = made(name, ...options)
  const key = parsePrivateKey(secret)

  test('has the public part that ssh-keygen says', () => {
    expect(`${key.type} ${key.blob.toString('base64')}`).toBe(line)
  })

  test('signs so that OpenSSH’s own check agrees', async () => {
    const socket = join(folder, `${name}.sock`)
    const server = createServer((client) => serveAgent(client, () => key))
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    writeFileSync(join(folder, `${name}.line`), line)
    writeFileSync(join(folder, `${name}.text`), 'text')
    const signed = await run(['-Y', 'sign', '-q', '-n', 'x', '-f', `${name}.line`, `${name}.text`], socket)
    server.close()
    expect(signed).toBe(0)
    const check = ['-Y', 'check-novalidate', '-n', 'x', '-s', `${name}.text.sig`]
    expect(await run(check, '', 'text')).toBe(0)
    expect(await run(check, '', 'another text')).not.toBe(0)
  })
})

describe('a key that is refused, in words that do not quote it', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      'a passphrase',
      (() => {
        const { file } = made('locked')
        execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret', '-f', file])
        return readFileSync(file, 'utf8')
      })(),
      /passphrase/,
    ],
    ['no key', 'nothing of the kind', /no private key/],
    ['cut', made('cut').secret.replace(/(KEY-----\n.{70}\n)[\s\S]*(-----END)/, '$1$2'), /./],
    [
      'dsa',
      generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
      /no private key|type/,
    ],
  ]
  test.each(cases)('%s', (_, text, words) => {
    expect(() => parsePrivateKey(text)).toThrow(words)
  })
})

describe('the agent', () => {
  const { secret } = made('agent', '-t', 'ed25519')
  const key = parsePrivateKey(secret)
  const FAILURE = Buffer.of(5)
  const ask = (blob: Buffer, data: Buffer, flags: number): Buffer => {
    const last = Buffer.alloc(4)
    last.writeUInt32BE(flags)
    return Buffer.concat([Buffer.of(13), sshString(blob), sshString(data), last])
  }
  test('signs with its own key alone', () => {
    const data = Buffer.from('data')
    const answer = answerAgent(ask(key.blob, data, 0), key)
    expect(answer[0]).toBe(14)
    const signature = new SshReader(new SshReader(answer.subarray(1)).string())
    expect(signature.string().toString()).toBe('ssh-ed25519')
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: key.blob.subarray(-32).toString('base64url') },
      format: 'jwk',
    })
    expect(verify(null, data, publicKey, signature.string())).toBe(true)
    expect(answerAgent(ask(Buffer.from('other'), data, 0), key)).toEqual(FAILURE)
  })
  test('does not sign by SHA-1, adds, removes, locks or extends nothing, and survives nonsense', () => {
    const rsa = parsePrivateKey(made('sha1', '-t', 'rsa', '-b', '2048').secret)
    expect(answerAgent(ask(rsa.blob, Buffer.from('data'), 0), rsa)).toEqual(FAILURE)
    for (const type of [0, 1, 9, 17, 18, 19, 20, 22, 23, 25, 26, 27, 255])
      expect(answerAgent(Buffer.of(type, 0, 0), key)).toEqual(FAILURE)
    expect(answerAgent(Buffer.alloc(0), key)).toEqual(FAILURE)
    expect(answerAgent(Buffer.of(13, 0xff, 0xff, 0xff, 0xff), key)).toEqual(FAILURE)
    expect(answerAgent(Buffer.of(11), undefined)).toEqual(FAILURE)
  })
})
