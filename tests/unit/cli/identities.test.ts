/** Keys of the user, as `ssh-keygen` writes them: opened with a passphrase that is asked for, never stored. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parsePrivateKey } from '../../../sidecars/gate/keys.ts'
import { openIdentities, ownIdentities } from '../../../src/cli/secrets/identities.ts'
import { secretResolver } from '../../../src/execute/secrets.ts'
import { address } from '../../../src/model/address.ts'
import { BottleError } from '../../../src/model/errors.ts'
import { Secret } from '../../../src/model/secret.ts'
import type { SecretRef } from '../../../src/model/secret.ts'
import { publicLineOf } from '../../../src/model/ssh-private.ts'

const folder = mkdtempSync(join(tmpdir(), 'bb-identities-'))
afterAll(() => rmSync(folder, { recursive: true }))

const WORD = 'canary passphrase 77 é'
const keygen = (...args: readonly string[]) => execFileSync('ssh-keygen', ['-q', ...args])
/** Few rounds: what is tested is not how long it takes. */
function made(name: string, ...options: readonly string[]): string {
  const file = join(folder, name)
  keygen('-a', '2', '-N', WORD, '-C', 'me@laptop', '-f', file, ...options)
  return file
}
const lineOf = (file: string) => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
const textOf = (file: string) => readFileSync(file, 'utf8')

const REMOTES = [address.remote('dev', 'origin'), address.remote('dev', 'docs')]
const refOf = (path: string): SecretRef => ({ from: 'file', path })

/** What the gate would be handed, with the questions that were asked. */
async function opened(file: string, answers?: readonly (string | undefined)[]) {
  const questions: string[] = []
  const ask = async (question: string): Promise<Secret | undefined> => {
    const answer = answers?.[questions.push(question) - 1]
    return answer === undefined ? undefined : new Secret(answer)
  }
  const sources = { resolver: secretResolver({ env: {} }), ...(answers && { ask }) }
  const found = await openIdentities([{ ref: refOf(file), remotes: REMOTES }], sources)
  return { text: [...found.values()][0]?.reveal() ?? '', questions }
}

async function refused(file: string, answers?: readonly (string | undefined)[]): Promise<BottleError> {
  const thrown: unknown = await opened(file, answers).catch((error: unknown) => error)
  if (thrown instanceof BottleError) return thrown
  throw new Error('it was not refused')
}

const CIPHERS = ['aes128-ctr', 'aes192-cbc', 'aes256-cbc', 'aes128-gcm@openssh.com', 'aes256-gcm@openssh.com']
const FORMS: readonly (readonly [string, readonly string[]])[] = [
  ['ed25519', ['-t', 'ed25519']],
  ['nistp384', ['-t', 'ecdsa', '-b', '384']],
  ['rsa', ['-t', 'rsa', '-b', '2048']],
  ['rsa in PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
  ['ecdsa in PKCS8', ['-t', 'ecdsa', '-m', 'PKCS8']],
  ...CIPHERS.map((cipher) => [cipher, ['-t', 'ed25519', '-Z', cipher]] as const),
]

describe.each(FORMS)('a key with a passphrase: %s', (name, options) => {
  const file = made(name.replaceAll(/\W/g, '-'), ...options)

  it('is asked for once, and opened in this process', async () => {
    const { text, questions } = await opened(file, [WORD])
    const key = parsePrivateKey(text)
    expect(`${key.type} ${key.blob.toString('base64')}`).toBe(lineOf(file))
    expect(questions).toEqual([`passphrase of file ${file} for remote/dev/origin, remote/dev/docs`])
  })

  it('is asked for again where it was not its own', async () => {
    const { text, questions } = await opened(file, ['another', WORD])
    expect(publicLineOf(text)).toBe(lineOf(file))
    expect(questions[1]).toMatch(/^that was not it; passphrase of /)
  })
})

describe('a key of the user', () => {
  it('is the same key behind another passphrase, another comment, and none', async () => {
    const file = made('changed', '-t', 'ed25519')
    const [{ text: before }, lineBefore] = [await opened(file, [WORD]), publicLineOf(textOf(file))]
    keygen('-p', '-a', '2', '-P', WORD, '-N', 'another', '-f', file)
    expect((await opened(file, ['another'])).text).toBe(before)
    expect(publicLineOf(textOf(file))).toBe(lineBefore)
    keygen('-p', '-P', 'another', '-N', '', '-C', 'elsewhere', '-f', file)
    const without = await opened(file, [])
    expect(without).toEqual({ text: before, questions: [] })
    expect(publicLineOf(textOf(file))).toBe(lineOf(file))
  })

  it('with a passphrase and no terminal is refused with file, remotes and way out', async () => {
    const file = made('nobody', '-t', 'ed25519')
    const { message, hint, code, exit } = await refused(file)
    expect(message).toBe(
      `the key from file ${file} for remote/dev/origin, remote/dev/docs has a passphrase, and there is no terminal to ask on`,
    )
    expect(hint).toContain(`\`ssh-keygen -p -f ${file}\` takes it away`)
    expect([code, exit]).toEqual(['identity-passphrase', 2])
  })

  it('that nobody opens is refused after three tries, or with the first that is not answered', async () => {
    const file = made('shut', '-t', 'ed25519')
    const wrong = await refused(file, ['a', 'b', 'c', WORD])
    expect(wrong.code).toBe('identity-passphrase-wrong')
    expect((await refused(file, [undefined, WORD])).code).toBe('secret-not-given')
    expect(`${wrong.message} ${wrong.hint}`).not.toContain('canary')
  })

  it('in a cipher that is not known here is refused with the command that writes it anew', async () => {
    const file = made('chacha', '-t', 'ed25519', '-Z', 'chacha20-poly1305@openssh.com')
    const { message, code } = await refused(file, [WORD])
    expect(code).toBe('identity-unusable')
    expect(message).toContain('`ssh-keygen -p -Z aes256-ctr -f FILE`')
  })

  it('that is none is refused without a word of it', async () => {
    const file = `${made('public', '-t', 'ed25519')}.pub`
    execFileSync('chmod', ['600', file])
    const { message, code } = await refused(file, [WORD])
    expect(code).toBe('identity-unusable')
    expect(message).toContain('it is no private key')
    expect(message).not.toContain('AAAA')
  })
})

describe('the keys that a plan needs', () => {
  it('are those of remotes of the bottles that it touches, each once', () => {
    const ref = refOf('/home/me/.ssh/id')
    const remote = (bottle: string, name: string, spec: object) => ({
      kind: 'remote' as const,
      address: address.remote(bottle, name),
      driver: 'memory' as const,
      bottle,
      needs: [],
      places: {},
      ignore: [],
      protect: false,
      spec,
    })
    const resources = [
      remote('dev', 'origin', { identityRef: ref }),
      remote('dev', 'docs', { identityRef: ref }),
      remote('dev', 'made', {}),
      remote('other', 'origin', { identityRef: refOf('/home/me/.ssh/other') }),
    ]
    expect(ownIdentities(resources, new Set(['dev']))).toEqual([{ ref, remotes: REMOTES }])
  })
})
