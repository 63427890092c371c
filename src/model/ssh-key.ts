/**
 * Key pairs for SSH as OpenSSH writes them (PROTOCOL.key, RFC 8709): ed25519, made here, used by the gate's agent.
 * The private half is a `Secret` from its first moment; what reads it back checks that both halves belong together.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { Secret } from './secret.ts'

export interface SshKeyPair {
  /** `ssh-ed25519 AAAA…`, without a comment. */
  readonly publicKey: string
  /** The unencrypted file that ssh-keygen would write: `-----BEGIN OPENSSH PRIVATE KEY-----`. */
  readonly privateKey: Secret
}

const TYPE = 'ssh-ed25519'
const MAGIC = 'openssh-key-v1\0'
const [BEGIN, END] = ['-----BEGIN OPENSSH PRIVATE KEY-----', '-----END OPENSSH PRIVATE KEY-----']
/** Characters in a line of the file, and what the private section is padded to. */
const [WIDTH, BLOCK] = [70, 8]

export function createSshKey(comment = ''): SshKeyPair {
  const { d: seed = '', x: point = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const [half, shared] = [Buffer.from(seed, 'base64url'), Buffer.from(point, 'base64url')]
  const blob = Buffer.concat([string(TYPE), string(shared)])
  const check = randomBytes(4)
  const section = padded(
    Buffer.concat([check, check, blob, string(Buffer.concat([half, shared])), string(comment)]),
  )
  const file = Buffer.concat([
    Buffer.from(MAGIC),
    string('none'),
    string('none'),
    string(''),
    Buffer.from([0, 0, 0, 1]),
    string(blob),
    string(section),
  ])
  const lines = file.toString('base64').match(new RegExp(`.{1,${WIDTH}}`, 'g')) ?? []
  return {
    publicKey: `${TYPE} ${blob.toString('base64')}`,
    privateKey: new Secret([BEGIN, ...lines, END, ''].join('\n')),
  }
}

/** The public line of a private key made by `createSshKey`; `undefined`: it is not whole. */
export function publicKeyOf(privateKey: Secret): string | undefined {
  const [, text] = new RegExp(`^${BEGIN}\n([A-Za-z0-9+/=\n]+)${END}\n$`).exec(privateKey.reveal()) ?? []
  if (text === undefined) return undefined
  const file = Buffer.from(text, 'base64')
  if (file.subarray(0, MAGIC.length).toString() !== MAGIC) return undefined
  const [cipher, kdf, options, count, ...rest] = fields(file.subarray(MAGIC.length), [-1, -1, -1, 4, -1, -1])
  const [blob, section] = rest
  if (cipher?.toString() !== 'none' || kdf?.toString() !== 'none' || options?.length !== 0) return undefined
  const [check, again, type, point, halves] = fields(section ?? Buffer.alloc(0), [4, 4, -1, -1, -1])
  if (count?.readUInt32BE() !== 1 || again === undefined || check?.equals(again) !== true) return undefined
  if (blob === undefined || type?.toString() !== TYPE || point?.length !== 32 || halves?.length !== 64)
    return undefined
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: halves.subarray(0, 32).toString('base64url'), x: point.toString('base64url') } // prettier-ignore
  const { x: own } = createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' })).export({ format: 'jwk' })
  const twice = halves.subarray(32).equals(point)
  const belongs = own === jwk.x && twice && blob.equals(Buffer.concat([string(TYPE), string(point)]))
  return belongs ? `${TYPE} ${blob.toString('base64')}` : undefined
}

/** `SHA256:…` as `ssh-keygen -l` shows it, of any public line; `undefined`: it is none. */
export function sshFingerprint(publicKey: string): string | undefined {
  const [, type = '', text = ''] = /^([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]{16,}={0,2})(?: |$)/.exec(publicKey.trim()) ?? [] // prettier-ignore
  const blob = Buffer.from(text, 'base64')
  const [said] = fields(blob, [-1])
  if (said === undefined || said.toString() !== type) return undefined
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

function string(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Bytes 1, 2, 3, … up to a whole block. */
function padded(bytes: Buffer): Buffer {
  const missing = (BLOCK - (bytes.length % BLOCK)) % BLOCK
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))])
}

/** Fields one behind the other, each of so many bytes, or (-1) as long as it says; none behind one that is cut off. */
function fields(bytes: Buffer, widths: readonly number[]): readonly Buffer[] {
  const found: Buffer[] = []
  let at = 0
  for (const width of widths) {
    const head = width < 0 ? 4 : 0
    if (at + head > bytes.length) return found
    const length = width < 0 ? bytes.readUInt32BE(at) : width
    if (at + head + length > bytes.length) return found
    found.push(bytes.subarray(at + head, at + head + length))
    at += head + length
  }
  return found
}
