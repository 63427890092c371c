import { describe, expect, test } from 'vitest'
import { advertisement, readCommands, statusReport, ZERO } from '../../../sidecars/gate/commands.ts'
import { FLUSH, NotPkt, pkt, PktReader } from '../../../sidecars/gate/pkt.ts'
import { checkUrl, explain, fingerprintOf, knownHosts, sshConfig } from '../../../sidecars/gate/ssh.ts'
import { askedFor } from '../../../sidecars/gate/target.ts'

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)

function reading(bytes: Buffer, size = bytes.length): PktReader {
  let at = 0
  return new PktReader(() => {
    const piece = at < bytes.length ? bytes.subarray(at, at + size) : undefined
    at += size
    return Promise.resolve(piece)
  })
}

describe('commands of a push', () => {
  const first = `${ZERO} ${B} refs/heads/agent/x\0 report-status side-band-64k agent=git/2`
  test.each([1, 3, 1000])('are read however they are cut: %i bytes', async (size) => {
    const shallow = pkt(`shallow ${A}`)
    const bytes = Buffer.concat([
      shallow,
      pkt(first),
      pkt(`${A} ${ZERO} refs/heads/y\n`),
      FLUSH,
      Buffer.from('PACK'),
    ])
    const reader = reading(bytes, size)
    expect(await readCommands(reader)).toEqual({
      updates: [
        { ref: 'refs/heads/agent/x', from: undefined, to: B },
        { ref: 'refs/heads/y', from: A, to: undefined },
      ],
      sideBand: true,
      report: true,
      pack: true,
    })
    let rest = ''
    for (let piece = await reader.rest(); piece !== undefined; piece = await reader.rest())
      rest += piece.toString()
    expect(rest).toBe('PACK')
  })
  test('none: the client only tries', async () => {
    expect(await readCommands(reading(FLUSH))).toBeUndefined()
  })
  test.each([
    ['a certificate', Buffer.concat([pkt('push-cert\0caps'), FLUSH])],
    ['upper-case ids', Buffer.concat([pkt(first.toUpperCase()), FLUSH])],
    ['no end', pkt(first)],
    ['a short length', Buffer.from('0003')],
    ['no length', Buffer.from('zzzz')],
    ['a cut line', Buffer.from('00ff12')],
    ['two lines in one', Buffer.concat([pkt(`${A} ${B} refs/heads/x\nrefs/heads/y\n`), FLUSH])],
    [
      'too many',
      Buffer.concat([...Array.from({ length: 2001 }, () => pkt(`${A} ${B} refs/heads/x`)), FLUSH]),
    ],
    [
      'few that are long',
      Buffer.concat([
        ...Array.from({ length: 20 }, () => pkt(`${A} ${B} refs/${'x'.repeat(60_000)}`)),
        FLUSH,
      ]),
    ],
  ])('refused: %s', async (_, bytes) => {
    await expect(readCommands(reading(bytes))).rejects.toThrow(NotPkt)
  })
  test('what is offered has neither options nor certificates', () => {
    const facts = { defaultBranch: undefined, refs: new Map([['refs/heads/b', A]]) }
    const text = advertisement(facts).toString()
    expect(text).toContain(`${A} refs/heads/b\0report-status`)
    expect(text).not.toMatch(/push-options|push-cert/)
    expect(advertisement({ defaultBranch: undefined, refs: new Map() }).toString()).toContain(
      `${ZERO} capabilities^{}\0`,
    )
  })
  test('the report names each ref', () => {
    const commands = { updates: [{ ref: 'r', from: A, to: B }], sideBand: false, report: true, pack: true }
    expect(statusReport(commands, 'ok', undefined).toString()).toBe('000eunpack ok\n0009ok r\n0000')
    expect(statusReport(commands, 'ok', () => 'why').toString()).toBe('000eunpack ok\n000dng r why\n0000')
  })
})

describe('what a request asks for', () => {
  const asked = (method: string, target: string) => askedFor(method, target, (name) => name === 'r')
  test('four requests of the smart protocol', () => {
    expect(asked('GET', '/r.git/info/refs?service=git-upload-pack')).toEqual({
      kind: 'refs',
      remote: 'r',
      service: 'git-upload-pack',
    })
    expect(asked('POST', '/r.git/git-receive-pack')).toEqual({
      kind: 'service',
      remote: 'r',
      service: 'git-receive-pack',
    })
  })
  test.each([
    ['GET', '/r.git/info/refs', 'dumb-http'],
    ['GET', '/r.git/info/refs?service=git-upload-archive', 'archive'],
    ['POST', '/r.git/git-upload-archive', 'archive'],
    ['POST', '/r.git/info/lfs/objects/batch', 'lfs'],
    ['GET', '/r.git/info/refs?service=git-shell', 'service'],
    ['GET', '/r.git/info/refs?service=git-upload-pack&x=1', 'service'],
    ['GET', '/r.git/git-upload-pack', 'method'],
    ['POST', '/r.git/info/refs?service=git-upload-pack', 'method'],
  ])('%s %s is refused in words: %s', (method, target, what) => {
    expect(asked(method, target)).toEqual({ kind: 'not-served', what })
  })
  test.each([
    '/',
    '/r',
    '/r.git',
    '/r.git/',
    '/r.git/config',
    '/r.git/HEAD',
    '/R.git/info/refs?service=git-upload-pack',
    '/r.GIT/info/refs?service=git-upload-pack',
    '//r.git/info/refs?service=git-upload-pack',
    '/x/r.git/info/refs?service=git-upload-pack',
    '/r.git/./info/refs?service=git-upload-pack',
    '/r.git/../r.git/info/refs?service=git-upload-pack',
    '/%72.git/info/refs?service=git-upload-pack',
    '/r.git%00/info/refs?service=git-upload-pack',
    '/~root/r.git/info/refs?service=git-upload-pack',
    'http://127.0.0.1/r.git/info/refs?service=git-upload-pack',
  ])('%s is unknown', (target) => expect(asked('GET', target)).toEqual({ kind: 'unknown' }))
})

describe('what OpenSSH is told', () => {
  const url = { user: 'git', host: 'git.acme.test', port: 22, path: '/acme/app.git' }
  const hostKey = `ssh-ed25519 ${Buffer.alloc(51, 1).toString('base64')}`
  const paths = { config: '/w/config', knownHosts: '/w/hosts', agent: '/w/a', dial: '/w/d', control: '/w/c' }
  test('pinned keys only, one identity, nothing forwarded, out by the relay', () => {
    const config = sshConfig({ url, hostKeys: [hostKey], paths, relay: ['/bb/tools/guest', 'relay'] })
    for (const line of [
      'StrictHostKeyChecking yes',
      'UserKnownHostsFile /w/hosts',
      'GlobalKnownHostsFile /dev/null',
      'UpdateHostKeys no',
      'IdentityAgent /w/a',
      'IdentityFile none',
      'ForwardAgent no',
      'BatchMode yes',
      'ProxyCommand /bb/tools/guest relay /w/d',
    ])
      expect(config.split('\n')).toContain(line)
  })
  test.each([
    { ...url, host: '-oProxyCommand=x' },
    { ...url, host: 'a b' },
    { ...url, host: 'a\nProxyCommand x' },
    { ...url, user: '-l' },
    { ...url, user: 'a b' },
    { ...url, port: 0 },
    { ...url, port: 65_536 },
    { ...url, port: Number.NaN },
    { ...url, path: '-x' },
    { ...url, path: '/a/../b' },
    { ...url, path: "/a'b" },
    { ...url, path: '/a;b' },
    { ...url, path: '/a b' },
    { ...url, path: '' },
  ])('$user@$host:$port$path is refused', (refused) => expect(() => checkUrl(refused)).toThrow())
  test('a relay, a folder or a host key that a program could read otherwise is refused', () => {
    const way = { url, hostKeys: [hostKey], paths, relay: ['/bb/guest'] }
    expect(() => sshConfig({ ...way, relay: ['/bb/guest;x'] })).toThrow('plain')
    expect(() => sshConfig({ ...way, paths: { ...paths, agent: '/w/a b' } })).toThrow('plain')
    expect(() => knownHosts([])).toThrow('no host key')
    expect(() => knownHosts(['ssh-dss AAAAB3NzaC1kc3MAAACBA'])).toThrow('not one')
    expect(() => knownHosts([`* ${hostKey}`])).toThrow('not one')
  })
  test('a changed key is told with both fingerprints', () => {
    const said = 'debug1: Server host key: ssh-rsa SHA256:abc\nHost key verification failed.\n'
    const { rule, message } = explain(said, { url, hostKeys: [hostKey] })
    expect(rule).toBe('host-key-changed')
    expect(message).toContain('ssh-rsa SHA256:abc')
    expect(message).toContain(fingerprintOf(hostKey))
  })
})
