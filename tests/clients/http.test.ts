/** HTTP clients of agents through the door, with the environment of a bottle: plain requests with a credential that they never see, events one by one, WebSocket, MCP. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientsMissing, clientsModules, clientsPython } from '../../scripts/labs/clients.ts'
import { openDoor } from '../door/door.ts'
import type { Door } from '../door/door.ts'
import { route } from '../unit/egress/lab.ts'
import { openPrograms } from './programs.ts'
import type { Programs } from './programs.ts'
import { openService } from './service.ts'

const missing = clientsMissing()
if (missing !== undefined) process.stdout.write(`HTTP clients through the door: skipped, ${missing}\n`)

const TOKEN = 'k3Qz8WvN1rXc5TbY7mLp'
const MASKED = `hello, you are Bearer ${'*'.repeat(TOKEN.length)}`
const script = (name: string): string => join(import.meta.dirname, 'programs', name)
const python = clientsPython()

/** Each prints the body, or something about a refusal. */
const CLIENTS: readonly (readonly [name: string, argv: (url: string) => readonly string[]])[] = [
  ['curl', (url) => ['curl', '-sS', '--fail-with-body', url]],
  // In a bottle the root is in the system's store, which is all that wget reads.
  ['wget', (url) => ['wget', '-nv', '-O', '-', '--tries=1', '--ca-certificate=root.pem', url]],
  ['node fetch', (url) => ['node', '-e', `fetch('${url}').then(async (r) => { console.log(await r.text()); process.exit(r.ok ? 0 : 1) }, (e) => { console.log(String(e.cause ?? e)); process.exit(1) })`]], // prettier-ignore
  ['requests', (url) => [python, '-c', `import requests; r = requests.get('${url}'); print(r.text); r.raise_for_status()`]], // prettier-ignore
  ['httpx', (url) => [python, '-c', `import httpx; r = httpx.get('${url}'); print(r.text); r.raise_for_status()`]], // prettier-ignore
  ['aiohttp', (url) => [python, '-c', `
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.get('${url}') as r:
            print(await r.text())
            r.raise_for_status()
asyncio.run(main())`]], // prettier-ignore
]

describe('through the door', () => {
  const service = openService()
  let door: Door
  let programs: Programs

  beforeAll(async () => {
    if (missing !== undefined) return
    door = await openDoor({
      upstreams: { 'api.test': service, 'denied.test': service },
      routes: [
        route({
          host: 'api.test',
          matches: [{ methods: ['GET', 'POST', 'DELETE'] }],
          auth: { scheme: 'bearer', secret: 'env:TOKEN' },
          protocols: ['websocket'],
        }),
      ],
      secrets: { 'env:TOKEN': TOKEN },
    })
    programs = openPrograms(door)
  })
  afterAll(async () => {
    programs?.close()
    await door?.close()
  })

  describe.skipIf(missing !== undefined).each(CLIENTS)('%s', (_name, argv) => {
    it('gets an answer with a credential that it never sees', async () => {
      service.credentials.clear()
      const { code, out, err } = await programs.run(argv('https://api.test/hello'))
      expect({ code, out, err }).toMatchObject({ code: 0, out: expect.stringContaining(MASKED) })
      expect([...service.credentials]).toEqual([`Bearer ${TOKEN}`])
    })

    it('is told 403 for a host that is not declared, which hears nothing', async () => {
      service.credentials.clear()
      const { code, out, err } = await programs.run(argv('https://denied.test/hello'))
      expect(code).not.toBe(0)
      expect(out + err).toMatch(/403|Forbidden|cancelled|Proxy/i)
      expect(service.credentials.size).toBe(0)
    })
  })

  it.skipIf(missing !== undefined).each(['requests', 'httpx'])(
    '%s sees each event when it is sent',
    async (library) => {
      const { code, out, err } = await programs.run([
        python,
        script('events.py'),
        library,
        'https://api.test',
      ])
      expect({ code, err }).toMatchObject({ code: 0 })
      expect(out).toBe('data: one\ndata: two\ndata: three\ndata: four\ndata: five\n')
    },
  )

  it.skipIf(missing !== undefined)('fetch of node sees each event when it is sent', async () => {
    const { code, out, err } = await programs.run(['node', '-e', `
      const response = await fetch('https://api.test/events')
      for await (const piece of response.body.pipeThrough(new TextDecoderStream()))
        for (const [, event] of piece.matchAll(/^data: (.*)$/gm)) {
          console.log(event)
          await fetch('https://api.test/seen?event=' + event)
        }`, '--input-type=module']) // prettier-ignore
    expect({ code, err }).toMatchObject({ code: 0 })
    expect(out).toBe('one\ntwo\nthree\nfour\nfive\n')
  })

  it.skipIf(missing !== undefined)('websockets of Python talks', async () => {
    const { code, out, err } = await programs.run([python, script('websocket.py'), 'wss://api.test/ws'])
    expect({ code, err }).toMatchObject({ code: 0 })
    expect(out).toBe(`11 a few words\n100000 ${'x'.repeat(20)}\n`)
  })

  it.skipIf(missing !== undefined)(
    'an MCP client lists tools, calls one and hears of its progress',
    async () => {
      const { code, out, err } = await programs.run(['node', script('mcp.mjs'), 'https://api.test/mcp', clientsModules()]) // prettier-ignore
      expect({ code, err }).toMatchObject({ code: 0 })
      expect(out).toBe('tools count\nprogress 1,2,3 said three\n')
    },
  )
})
