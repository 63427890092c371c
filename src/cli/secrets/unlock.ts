/** Opens a private key with its passphrase, in this process and for it alone: nothing is written, no program is run. */
import { createDecipheriv, createPrivateKey } from 'node:crypto'
import type { CipherGCMTypes, KeyObject } from 'node:crypto'
import { keyIn, sealedKey } from '../../model/ssh-private.ts'
import type { SealedKey } from '../../model/ssh-private.ts'
import type { Secret } from '../../model/secret.ts'
import { KeyUnusable, SshReader } from '../../model/ssh-wire.ts'

/** Bytes of key and initial vector that the derivation yields. */
interface Cipher {
  readonly name: string
  readonly key: number
  readonly iv: number
  readonly gcm?: CipherGCMTypes
}

const CIPHERS: Readonly<Record<string, Cipher>> = {
  ...Object.fromEntries(
    [128, 192, 256].flatMap((bits) =>
      ['ctr', 'cbc'].map((mode) => [
        `aes${bits}-${mode}`,
        { name: `aes-${bits}-${mode}`, key: bits / 8, iv: 16 },
      ]),
    ),
  ),
  'aes128-gcm@openssh.com': { name: 'aes-128-gcm', key: 16, iv: 12, gcm: 'aes-128-gcm' },
  'aes256-gcm@openssh.com': { name: 'aes-256-gcm', key: 32, iv: 12, gcm: 'aes-256-gcm' },
}
const TAG = 16
/** Of the derivation: minutes here, in a language that is not made for it. */
const ROUNDS_MAX = 2000

/** `undefined`: this is not its passphrase. Throws KeyUnusable for what no passphrase opens here. */
export async function unlocked(text: string, passphrase: Secret): Promise<KeyObject | undefined> {
  const sealed = sealedKey(text)
  return sealed ? openSsh(sealed, passphrase) : pem(text, passphrase)
}

async function openSsh(sealed: SealedKey, passphrase: Secret): Promise<KeyObject | undefined> {
  const cipher = CIPHERS[sealed.cipher]
  if (cipher === undefined || sealed.kdf !== 'bcrypt')
    throw new KeyUnusable(
      `its cipher is not known here; \`ssh-keygen -p -Z aes256-ctr -f FILE\` writes it with another`,
    )
  const derived = await derive(sealed.kdfOptions, passphrase, cipher.key + cipher.iv)
  const [key, iv] = [derived.subarray(0, cipher.key), derived.subarray(cipher.key)]
  const clear = deciphered(sealed, cipher, key, iv)
  derived.fill(0)
  // Two equal numbers lead: with another passphrase they differ, but for once in four thousand million times.
  if (clear === undefined || clear.length < 8 || clear.readUInt32BE(0) !== clear.readUInt32BE(4))
    return undefined
  return keyIn(clear)
}

async function derive(options: Buffer, passphrase: Secret, length: number): Promise<Buffer> {
  const { pbkdf } = await import('bcrypt-pbkdf')
  const reader = new SshReader(options)
  const [salt, rounds] = [reader.string(), reader.number()]
  if (rounds > ROUNDS_MAX)
    throw new KeyUnusable(
      `its passphrase is stretched ${rounds} times; \`ssh-keygen -p -a 100 -f FILE\` takes fewer`,
    )
  const [word, derived] = [Buffer.from(passphrase.reveal()), Buffer.alloc(length)]
  const done = pbkdf(word, word.length, salt, salt.length, derived, length, rounds)
  word.fill(0)
  if (done !== 0) throw new KeyUnusable('it is damaged')
  return derived
}

function deciphered(
  { section, tag }: SealedKey,
  { name, gcm }: Cipher,
  key: Buffer,
  iv: Buffer,
): Buffer | undefined {
  try {
    if (gcm === undefined) {
      const decipher = createDecipheriv(name, key, iv).setAutoPadding(false)
      return Buffer.concat([decipher.update(section), decipher.final()])
    }
    const decipher = createDecipheriv(gcm, key, iv, { authTagLength: TAG }).setAuthTag(tag.subarray(0, TAG))
    return Buffer.concat([decipher.update(section), decipher.final()])
  } catch {
    return undefined
  }
}

function pem(text: string, passphrase: Secret): KeyObject | undefined {
  try {
    return createPrivateKey({ key: text, passphrase: passphrase.reveal() })
  } catch {
    return undefined
  }
}
