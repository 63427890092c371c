import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { isOfEngine, keyId, keyTitle, parseKeyTitle, TITLE_MAX } from '../../../src/model/deploy-key.ts'
import { isName, STACK_AND_BOTTLE_MAX } from '../../../src/model/names.ts'
import { repositoryOfPath, repositorySteps } from '../../../src/model/repository-name.ts'
import { Secret } from '../../../src/model/secret.ts'
import { createSshKey, publicKeyOf, sshFingerprint } from '../../../src/model/ssh-key.ts'

describe('a key pair', () => {
  it('is what ssh-keygen reads: public line, fingerprint, comment', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bb-key-'))
    for (const comment of ['', 'x', 'bot-bottle key of a bottle'])
      try {
        const { publicKey, privateKey } = createSshKey(comment)
        const file = join(folder, `key-${comment.length}`)
        writeFileSync(file, privateKey.reveal(), { mode: 0o600 })
        expect(execFileSync('ssh-keygen', ['-y', '-f', file]).toString().trim()).toBe(
          `${publicKey} ${comment}`.trim(),
        )
        expect(execFileSync('ssh-keygen', ['-l', '-f', file]).toString()).toContain(
          ` ${sshFingerprint(publicKey)} `,
        )
        expect(publicKeyOf(privateKey)).toBe(publicKey)
      } finally {
        rmSync(join(folder, `key-${comment.length}`), { force: true })
      }
    rmSync(folder, { recursive: true })
  })

  it('is another one each time', () => {
    expect(new Set(Array.from({ length: 20 }, () => createSshKey().publicKey)).size).toBe(20)
  })

  it('shows its private half nowhere', () => {
    expect(JSON.stringify(createSshKey())).toContain('"privateKey":"‹secret›"')
  })

  it('is whole, or it is none: cut, changed in one byte, halves of two pairs', () => {
    const [one, two] = [createSshKey(), createSshKey()]
    const text = one.privateKey.reveal()
    const lines = text.split('\n')
    const bytes = Buffer.from(lines.slice(1, -2).join(''), 'base64')
    const packed = (changed: Buffer) => {
      const written = changed.toString('base64').match(/.{1,70}/g) ?? []
      return new Secret([lines[0], ...written, ...lines.slice(-2)].join('\n'))
    }
    expect(publicKeyOf(packed(bytes))).toBe(one.publicKey)
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      const read = publicKeyOf(packed(changed))
      // The comment, the padding and the length of both say nothing about the pair.
      const saysNothing = at === 97 || at >= 225
      if (!saysNothing) expect([at, read]).toEqual([at, undefined])
    }
    for (const cut of [0, 10, 100, 200]) expect(publicKeyOf(packed(bytes.subarray(0, cut)))).toBeUndefined()
    expect(publicKeyOf(new Secret(text.replace('BEGIN OPENSSH', 'BEGIN RSA')))).toBeUndefined()
    expect(publicKeyOf(two.privateKey)).not.toBe(one.publicKey)
  })

  it('has a fingerprint only where type and content agree', () => {
    const { publicKey } = createSshKey()
    const [, blob = ''] = publicKey.split(' ')
    const fingerprint = sshFingerprint(publicKey)
    expect(fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
    expect(sshFingerprint(`${publicKey} a comment`)).toBe(fingerprint)
    for (const none of [
      '',
      'ssh-ed25519',
      `ssh-rsa ${blob}`,
      'ssh-rsa AAA...',
      `${blob} ssh-ed25519`,
      'ssh-ed25519 !!!',
    ])
      expect([none, sshFingerprint(none)]).toEqual([none, undefined])
  })
})

const name = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,20}$/).filter(isName)
const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`))
const mark = fc.record({
  installation: hex(16),
  stack: name,
  address: fc.tuple(name, name).map(([bottle, remote]) => address.key(bottle, remote)),
  id: hex(16),
})

describe('the title of a key', () => {
  it('says whose it is, and is read back as it was written', () => {
    fc.assert(
      fc.property(mark, (one) => {
        expect(parseKeyTitle(keyTitle(one))).toEqual(one)
      }),
    )
  })

  it('is ours only as we write it: nothing before, behind, between, in another case', () => {
    fc.assert(
      fc.property(mark, fc.nat(), fc.constantFrom(' ', 'X', '\u200b', '\n', '/', ''), (one, at, put) => {
        const title = keyTitle(one)
        const place = at % (title.length + 1)
        const changed = put === '' ? title.slice(0, place) + title.slice(place + 1) : title.slice(0, place) + put + title.slice(place) // prettier-ignore
        const read = parseKeyTitle(changed)
        if (read !== undefined) expect(keyTitle(read)).toBe(changed)
        if (put !== '' && put !== '/') expect(read).toBeUndefined()
      }),
    )
  })

  it('of anybody else is none', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (title) => {
        expect(parseKeyTitle(title)).toBeUndefined()
      }),
    )
    for (const title of [
      'deploy@host',
      'bot-bottle',
      'bot-bottle 0123456789abcdef acme route/dev/a.example 0123456789abcdef',
      'bot-bottle 0123456789abcdef acme key/dev/Origin 0123456789abcdef',
      'bot-bottle 0123456789ABCDEF acme key/dev/origin 0123456789abcdef',
    ])
      expect([title, parseKeyTitle(title)]).toEqual([title, undefined])
  })

  it('fits every forge with the longest names', () => {
    const bottle = 'b'.repeat(31)
    const stack = 's'.repeat(STACK_AND_BOTTLE_MAX - bottle.length)
    const longest = {
      installation: 'f'.repeat(16),
      stack,
      address: address.key(bottle, 'r'.repeat(63)),
      id: 'f'.repeat(16),
    }
    expect(keyTitle(longest).length).toBeLessThan(TITLE_MAX)
    expect(parseKeyTitle(keyTitle(longest))).toEqual(longest)
  })

  it('has an id that tells the engine: stacks of one name on two engines are not each other’s leftovers', () => {
    const id = keyId('7TJD:X2', new Uint8Array([1, 2, 3, 4, 5]))
    expect(id).toMatch(/^[0-9a-f]{6}0102030405$/)
    expect(isOfEngine(id, '7TJD:X2')).toBe(true)
    expect(isOfEngine(id, 'another')).toBe(false)
  })
})

describe('the name of a repository', () => {
  it('is the path of the remote’s URL', () => {
    for (const path of ['acme/app.git', '/acme/app.git', 'acme/app', 'acme/app/'])
      expect(repositoryOfPath(path)).toBe('acme/app')
    expect(repositorySteps('acme/tools/app')).toEqual(['acme', 'tools', 'app'])
    expect(repositorySteps('acme/.github')).toEqual(['acme', '.github'])
  })

  it('fits a path as it is: whatever would have to be escaped is none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (written) => {
        const steps = repositorySteps(written)
        if (steps === undefined) return
        const { pathname } = new URL(`https://h/repos/${steps.join('/')}/keys`)
        expect(pathname).toBe(`/repos/${written}/keys`)
      }),
    )
    for (const bad of ['app', 'a/..', './a', '~/app', 'a/b.git', 'a b/c', 'a/b?c', 'a/%2e%2e'])
      expect([bad, repositorySteps(bad)]).toEqual([bad, undefined])
  })
})
