/**
 * What the uplink must hold, as functions: each runs with everything on, and again without each protection that it
 * names, where it must fail. Every refusal has its positive control in the same run.
 */
import { once } from 'node:events'
import { expect } from 'vitest'
import { dialToken } from '../../../sidecars/control/token.ts'
import type { controls } from '../../../sidecars/uplink/controls.ts'
import type { UplinkPolicy, UplinkTarget } from '../../../src/model/policy.ts'
import { scriptedResolver } from './fixtures/dns.ts'
import { readAll, readLine, receiver, startWorld, TOKEN, type World, type WorldOptions } from './world.ts'

export type Control = Parameters<typeof controls.off>[0]

export interface Case {
  readonly name: string
  readonly controls: readonly Control[]
  run(off: readonly Control[]): Promise<void>
}

export const NO_POLICY: UplinkPolicy = { hosts: {}, dns: [], noProxy: [], hostAddresses: [] }
export const target = (host: string, port = 443, allowPrivate = true): UplinkTarget => ({
  host,
  port,
  allowPrivate,
})

/** A world in which `allowed.test` is at 10.9.0.1 and leads to a receiver. */
async function within(
  options: WorldOptions,
  policy: Partial<UplinkPolicy>,
  targets: readonly UplinkTarget[],
  test: (world: World, upstream: Awaited<ReturnType<typeof receiver>>) => Promise<void>,
): Promise<void> {
  const upstream = await receiver()
  const world = await startWorld({ ...options, wires: { '10.9.0.1:*': upstream.port, ...options.wires } })
  try {
    const hosts = { 'allowed.test': '10.9.0.1', 'other.test': '10.9.0.1', ...policy.hosts }
    expect(await world.ask({ op: 'configure', policy: { ...NO_POLICY, ...policy, hosts } })).toMatchObject({
      ok: true,
    })
    expect(await world.ask({ op: 'attach', bottle: 'a', token: TOKEN.a, targets })).toMatchObject({
      ok: true,
    })
    await test(world, upstream)
  } finally {
    await world.close()
    upstream.close()
  }
}

async function sends(world: World, host: string, port = 443, token = TOKEN.a): Promise<string> {
  const { answer, socket } = await world.dial({ token, host, port })
  if (!answer.ok) return answer.code
  socket.end('ping')
  return await readAll(socket)
}

export const CASES: readonly Case[] = [
  {
    name: '[ISO-01] a token that is not a bundle’s opens nothing',
    controls: ['token-check'],
    run: (off) =>
      within({ off }, {}, [target('allowed.test')], async (world, upstream) => {
        expect(await sends(world, 'allowed.test', 443, TOKEN.unknown)).toBe('unknown-token')
        expect(upstream.received).toEqual([])
        expect(await sends(world, 'allowed.test')).toBe('PING')
      }),
  },
  {
    name: '(PXY-06) (PXY-14) an undeclared name or port is not dialled, and no resolver hears of it',
    controls: ['target-check'],
    run: async (off) => {
      const resolver = await scriptedResolver({ 'denied.test': ['8.8.8.8'] })
      await within({ off }, { dns: [resolver.server] }, [target('allowed.test')], async (world) => {
        for (const host of [
          'denied.test',
          'x.allowed.test',
          'evilallowed.test',
          'allowed.test.evil.test',
          'test',
        ]) {
          expect(await sends(world, host)).toBe('target-undeclared')
        }
        expect(await sends(world, 'allowed.test', 22)).toBe('target-undeclared')
        expect(world.dialled).toEqual([])
        expect(resolver.asked).toEqual([])
        expect(await sends(world, 'allowed.test')).toBe('PING')
      }).finally(() => resolver.close())
    },
  },
  {
    name: '(PXY-05) a metadata address is refused although it is declared, fixed and private addresses are allowed',
    controls: ['metadata', 'address-judging'],
    run: (off) =>
      within(
        { off },
        { hosts: { 'metadata.test': '169.254.169.254', 'cgnat.test': '100.100.100.200' } },
        [target('metadata.test'), target('cgnat.test'), target('allowed.test')],
        async (world) => {
          expect(await sends(world, 'metadata.test')).toBe('address-refused')
          expect(await sends(world, 'cgnat.test')).toBe('address-refused')
          expect(world.dialled).toEqual([])
          expect(await sends(world, 'allowed.test')).toBe('PING')
        },
      ),
  },
  {
    name: '(NET-19) own, gateway and host addresses are refused; fixed for exactly this name a gateway is meant',
    controls: ['own-addresses', 'address-judging'],
    run: async (off) => {
      const resolver = await scriptedResolver({
        'own.test': ['172.20.0.2'],
        'gate.test': ['172.20.0.1'],
        'vps.test': ['8.8.4.4'],
      })
      const upstream = await receiver()
      const options = {
        off,
        own: ['172.20.0.2'],
        gateways: ['172.20.0.1'],
        wires: { '172.20.0.1:*': upstream.port },
      }
      const policy = {
        dns: [resolver.server],
        hostAddresses: ['8.8.4.4'],
        hosts: { 'meant.test': '172.20.0.1', 'self.test': '172.20.0.2' },
      }
      const names = ['own.test', 'gate.test', 'vps.test', 'self.test', 'meant.test']
      await within(
        options,
        policy,
        names.map((name) => target(name)),
        async (world) => {
          for (const name of ['own.test', 'gate.test', 'vps.test', 'self.test']) {
            expect(await sends(world, name)).toBe('address-refused')
          }
          expect(world.dialled).toEqual([])
          expect(await sends(world, 'meant.test')).toBe('PING')
        },
      ).finally(() => {
        resolver.close()
        upstream.close()
      })
    },
  },
  {
    name: '[DNS-09] an answer is judged by where it ends: alias, mapped, NAT64; of mixed answers only the good ones are dialled',
    controls: ['address-judging'],
    run: async (off) => {
      const resolver = await scriptedResolver({
        'alias.test': 'inner.corp.test',
        'inner.corp.test': ['10.0.0.7'],
        'mapped.test': ['::ffff:7f00:1'],
        'nat64.test': ['64:ff9b::7f00:1'],
        'mixed.test': ['127.0.0.1', '8.8.8.8', '192.168.0.1'],
      })
      const upstream = await receiver()
      const names = ['alias.test', 'mapped.test', 'nat64.test', 'mixed.test']
      const targets = names.map((name) => target(name, 443, false))
      const options = { off, wires: { '8.8.8.8:443': upstream.port } }
      await within(options, { dns: [resolver.server] }, targets, async (world) => {
        for (const name of names.slice(0, 3)) expect(await sends(world, name)).toBe('address-refused')
        expect(world.dialled).toEqual([])
        expect(await sends(world, 'mixed.test')).toBe('PING')
        expect(world.dialled).toEqual(['8.8.8.8:443'])
        expect(new Set(resolver.asked.map((asked) => asked.split(' ')[0]))).toEqual(new Set(['A', 'AAAA']))
      }).finally(() => {
        resolver.close()
        upstream.close()
      })
    },
  },
  {
    name: '(ISO-03) what is no longer declared is closed before the answer; the rest lives on',
    controls: ['narrowing'],
    run: (off) =>
      within({ off }, {}, [target('allowed.test'), target('other.test')], async (world) => {
        const kept = await world.dial({ token: TOKEN.a, host: 'allowed.test', port: 443 })
        const lost = await world.dial({ token: TOKEN.a, host: 'other.test', port: 443 })
        const closed = once(lost.socket.resume(), 'end')
        await world.ask({ op: 'targets', bottle: 'a', targets: [target('allowed.test')] })
        await Promise.race([closed, late('the connection is still open')])
        kept.socket.end('still here')
        expect(await readAll(kept.socket)).toBe('STILL HERE')
        const ended = await world.dial({ token: TOKEN.a, host: 'allowed.test', port: 443 })
        const detached = once(ended.socket.resume(), 'end')
        await world.ask({ op: 'detach', bottle: 'a' })
        await Promise.race([detached, late('the connection outlived the bottle')])
      }),
  },
  {
    name: '(ISO-03) a private address that is no longer acceptable is closed; a public one lives on',
    controls: ['narrowing'],
    run: async (off) => {
      const upstream = await receiver()
      const resolver = await scriptedResolver({ 'inside.test': ['10.0.0.7'], 'outside.test': ['8.8.8.8'] })
      const wires = { '10.0.0.7:443': upstream.port, '8.8.8.8:443': upstream.port }
      const targets = (allowed: boolean) =>
        ['inside.test', 'outside.test'].map((name) => target(name, 443, allowed))
      await within({ off, wires }, { dns: [resolver.server] }, targets(true), async (world) => {
        const lost = await world.dial({ token: TOKEN.a, host: 'inside.test', port: 443 })
        const kept = await world.dial({ token: TOKEN.a, host: 'outside.test', port: 443 })
        expect([lost.answer.ok, kept.answer.ok]).toEqual([true, true])
        const closed = once(lost.socket.resume(), 'end')
        await world.ask({ op: 'targets', bottle: 'a', targets: targets(false) })
        await Promise.race([closed, late('the connection is still open')])
        kept.socket.end('still here')
        expect(await readAll(kept.socket)).toBe('STILL HERE')
      }).finally(() => {
        resolver.close()
        upstream.close()
      })
    },
  },
  {
    name: '(ISO-03) a policy that leads a name elsewhere or refuses its address closes what is open there; the rest lives on',
    controls: ['narrowing'],
    run: async (off) => {
      const upstream = await receiver()
      const resolver = await scriptedResolver({ 'host.test': ['8.8.4.4'], 'outside.test': ['8.8.8.8'] })
      const wires = { '8.8.4.4:443': upstream.port, '8.8.8.8:443': upstream.port }
      const names = ['allowed.test', 'outside.test', 'other.test', 'host.test']
      const targets = names.map((name) => target(name))
      const dns = [resolver.server]
      await within({ off, wires }, { dns }, targets, async (world) => {
        const open = await Promise.all(names.map((host) => world.dial({ token: TOKEN.a, host, port: 443 })))
        expect(open.map(({ answer }) => answer.ok)).toEqual([true, true, true, true])
        const sockets = open.map(({ socket }) => socket)
        const closed = sockets.slice(2).map((socket) => once(socket.resume(), 'end'))
        const hosts = { 'allowed.test': '10.9.0.1', 'other.test': '10.9.0.2' }
        await world.ask({ op: 'configure', policy: { ...NO_POLICY, hosts, dns, hostAddresses: ['8.8.4.4'] } })
        await Promise.race([Promise.all(closed), late('the connection is still open')])
        for (const kept of sockets.slice(0, 2)) {
          kept.end('still here')
          expect(await readAll(kept)).toBe('STILL HERE')
        }
      }).finally(() => {
        resolver.close()
        upstream.close()
      })
    },
  },
  {
    name: '(ISO-03) what is being opened under a policy that is gone does not come to be',
    controls: ['narrowing'],
    run: async (off) => {
      const resolver = await scriptedResolver({ 'slow.test': ['8.8.8.8'] }, 'held')
      const upstream = await receiver()
      const policy = { dns: [resolver.server] }
      const options = { off, wires: { '8.8.8.8:443': upstream.port } }
      await within(options, policy, [target('slow.test')], async (world) => {
        const socket = world.knock()
        const closed = once(socket, 'end').then(() => 'closed')
        socket.write(`${JSON.stringify({ token: TOKEN.a, host: 'slow.test', port: 443 })}\n`)
        const answered = readLine(socket)
        await resolver.firstAsked
        await world.ask({ op: 'configure', policy: { ...NO_POLICY, ...policy, hostAddresses: ['8.8.8.8'] } })
        resolver.answerHeld()
        expect(await Promise.race([closed, answered])).toBe('closed')
        socket.destroy()
        await answered.catch(() => undefined)
        expect(world.dialled).toEqual([])
      }).finally(() => {
        resolver.close()
        upstream.close()
      })
    },
  },
  {
    name: '(PXY-34) a bottle that opens all it can does not take another’s place',
    controls: ['fair-share'],
    run: (off) =>
      within({ off }, {}, [target('allowed.test')], async (world) => {
        await world.ask({ op: 'attach', bottle: 'b', token: TOKEN.b, targets: [target('allowed.test')] })
        for (let batch = 0; batch < 16; batch += 1) {
          const dials = Array.from({ length: 32 }, () =>
            world.dial({ token: TOKEN.a, host: 'allowed.test', port: 443 }),
          )
          expect((await Promise.all(dials)).every(({ answer }) => answer.ok)).toBe(true)
        }
        expect(await sends(world, 'allowed.test')).toBe('overload')
        expect(await sends(world, 'allowed.test', 443, TOKEN.b)).toBe('PING')
      }),
  },
  {
    name: '(CRD-11) a daemon’s token dials and cannot report in the supervisor’s name',
    controls: ['report-token'],
    run: (off) =>
      within({ off }, {}, [target('allowed.test')], async (world) => {
        const derived = dialToken(TOKEN.a)
        expect(await sends(world, 'allowed.test', 443, derived)).toBe('PING')
        expect((await world.dial({ token: derived, report: true })).answer).toMatchObject({
          ok: false,
          code: 'unknown-token',
        })
        expect((await world.dial({ token: TOKEN.a, report: true })).answer).toMatchObject({ ok: true })
      }),
  },
]

/** A bound for what must happen at once, so that its absence is a failure and not a hanging test. */
function late(message: string): Promise<never> {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(message)), 1500).unref())
}
