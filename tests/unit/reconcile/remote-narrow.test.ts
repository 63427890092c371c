import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GateRemote } from '../../../src/model/gate.ts'
import { closesRemote, narrowedRemote, servedAs, sshUrlText } from '../../../src/resources/remote/narrow.ts'
import type { RemoteSpec } from '../../../src/resources/remote/spec.ts'

const MiB = 2 ** 20
const url = { user: 'git', host: 'forge.example', port: 22, path: '/acme/app.git' }
const patterns = fc.uniqueArray(fc.constantFrom('refs/heads/a', 'refs/heads/b/*', 'refs/heads/**'))
const remote: fc.Arbitrary<GateRemote> = fc.record(
  {
    name: fc.constant('origin'),
    url: fc.constantFrom(url, { ...url, path: '/acme/site.git' }),
    hostKeys: fc.constantFrom(['ssh-ed25519 AAAA1'], ['ssh-ed25519 AAAA2']),
    push: fc.record({
      allow: patterns,
      force: fc.boolean(),
      delete: fc.boolean(),
      tags: fc.boolean(),
      scan: fc.constantFrom('block' as const, 'warn' as const, 'supervise' as const, 'off' as const),
      flag: fc.uniqueArray(fc.constantFrom('.github/**', 'ci/*')),
      protect: fc.uniqueArray(fc.constantFrom('refs/heads/main', 'refs/heads/live')),
    }),
    requireIdentity: fc.constantFrom(
      { name: 'A', email: 'a@x.example' },
      { name: 'B', email: 'b@x.example' },
    ),
    maxPack: fc.constantFrom(1 * MiB, 1024 * MiB),
    maxFile: fc.constantFrom(1 * MiB, 1024 * MiB),
  },
  { requiredKeys: ['name', 'url', 'hostKeys', 'push'] },
)
const pack = ({ maxPack }: GateRemote) => maxPack ?? 512 * MiB
const file = ({ maxFile }: GateRemote) => maxFile ?? 100 * MiB
const STRICT = ['block', 'supervise', 'warn', 'off']

describe('a remote while it changes', () => {
  it('is served as no more than it was, and than it will be', () => {
    fc.assert(
      fc.property(remote, remote, (before, after) => {
        const both = narrowedRemote(before, after)
        if (!both) return
        for (const one of [before, after]) {
          expect(both).toMatchObject({ url: one.url, hostKeys: one.hostKeys })
          expect(both.push.allow.filter((pattern) => !one.push.allow.includes(pattern))).toEqual([])
          for (const may of ['force', 'delete', 'tags'] as const)
            expect(both.push[may] && !one.push[may]).toBe(false)
          for (const kept of ['flag', 'protect'] as const)
            expect(one.push[kept].filter((pattern) => !both.push[kept].includes(pattern))).toEqual([])
          expect(STRICT.indexOf(both.push.scan)).toBeLessThanOrEqual(STRICT.indexOf(one.push.scan))
          if (one.requireIdentity) expect(both.requireIdentity).toEqual(one.requireIdentity)
          expect(pack(both)).toBeLessThanOrEqual(pack(one))
          expect(file(both)).toBeLessThanOrEqual(file(one))
        }
      }),
    )
  })

  it('of another upstream, host key or required identity is closed whole', () => {
    const one: GateRemote = {
      name: 'origin',
      url,
      hostKeys: ['ssh-ed25519 AAAA1'],
      push: { allow: [], force: false, delete: false, tags: false, scan: 'block', flag: [], protect: [] },
      requireIdentity: { name: 'A', email: 'a@x.example' },
    }
    expect(narrowedRemote(one, { ...one, url: { ...url, path: '/other.git' } })).toBeUndefined()
    expect(narrowedRemote(one, { ...one, hostKeys: ['ssh-ed25519 AAAA2'] })).toBeUndefined()
    const other = { name: 'B', email: 'b@x.example' }
    expect(narrowedRemote(one, { ...one, requireIdentity: other })).toBeUndefined()
  })

  it('that does not change closes nothing', () => {
    fc.assert(
      fc.property(remote, (one) => {
        expect(narrowedRemote(one, one)).toEqual(one)
        const { name: _, ...rest } = one
        const spec: RemoteSpec = {
          ...rest,
          identity: 'key/dev/origin',
          credential: 'present',
          allowPrivate: false,
          uplink: 'declared',
        }
        expect(servedAs('origin', spec)).toEqual(one)
        expect(closesRemote({ ...rest, credential: 'missing' } as never, spec)).toBe(false)
      }),
    )
  })

  it('has one spelling of its upstream, however it is written', () => {
    expect(sshUrlText(url)).toBe('ssh://git@forge.example:22/acme/app.git')
    expect(sshUrlText({ ...url, path: 'acme/app.git' })).toBe('ssh://git@forge.example:22/acme/app.git')
  })
})
