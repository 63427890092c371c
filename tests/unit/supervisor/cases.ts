/** What the supervisor must hold, as functions: each runs with everything on, and again without each protection it names, where it must fail. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'vitest'
import { dialToken } from '../../../sidecars/control/token.ts'
import type { controls } from '../../../sidecars/supervisor/controls.ts'
import { config, SECRET, startBundle, TOKEN, type Bundle, type BundleOptions } from './bundle.ts'

export type Control = Parameters<typeof controls.off>[0]

export interface Case {
  readonly name: string
  readonly controls: readonly Control[]
  run(off: readonly Control[]): Promise<void>
}

export async function within(options: BundleOptions, test: (bundle: Bundle) => Promise<void>): Promise<void> {
  const bundle = await startBundle(options)
  try {
    await test(bundle)
  } finally {
    await bundle.close()
  }
}

export const running = (bundle: Bundle) =>
  expect.poll(async () => (await bundle.status()).daemons.egress?.state, { timeout: 8000 }).toBe('running')

export const CASES: readonly Case[] = [
  {
    name: '(ISO-07) a daemon that could gain privileges gets no secret and no door',
    controls: ['privileges-read-back'],
    run: (off) =>
      within({ off, newPrivileges: true }, async (bundle) => {
        await expect
          .poll(async () => (await bundle.status()).daemons.egress?.state, { timeout: 8000 })
          .toBe('failed')
        expect((await bundle.status()).daemons.egress?.reason).toContain('NoNewPrivs is 0')
        expect(await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })).toMatchObject({
          ok: false,
          code: 'daemon-failed',
        })
        expect(await bundle.door('127.0.0.1', 909, 'pid')).toBe('refused')
      }),
  },
  {
    name: '(NET-23) (ISO-05) a link beside lo closes the doors and is shown',
    controls: ['link-tripwire'],
    run: (off) =>
      within({ off }, async (bundle) => {
        await running(bundle)
        expect(await bundle.door('127.0.0.1', 909, 'pid')).toContain('proxy')
        await bundle.inside('ip', 'link', 'add', 'eth0', 'type', 'bridge')
        await expect.poll(async () => (await bundle.status()).links, { timeout: 3000 }).toContain('eth0')
        expect(await bundle.door('127.0.0.1', 909, 'pid')).toBe('refused')
        await bundle.inside('ip', 'link', 'del', 'eth0')
        expect((await bundle.status()).daemons.egress).toMatchObject({
          state: 'failed',
          reason: 'the bottle has a link beside lo: eth0',
        })
        expect(await bundle.ask({ op: 'restart', daemon: 'egress' })).toMatchObject({
          ok: false,
          code: 'daemon-failed',
        })
      }),
  },
  {
    name: 'the report channel answers status and nothing else, and comes back after the uplink was gone',
    controls: ['report-status-only', 'derived-token'],
    run: (off) =>
      within({ off }, async (bundle) => {
        await running(bundle)
        const said: Record<string, unknown>[] = []
        const server = createServer((socket) => {
          const lines = createInterface({ input: socket }).on('error', () => undefined)
          lines.on('line', (line) => {
            said.push(JSON.parse(line) as Record<string, unknown>)
            if (said.at(-1)?.['report'] !== true) return
            socket.write('{"ok":true,"address":"report"}\n')
            socket.write(
              `${JSON.stringify({ id: 1, op: 'logs', daemon: 'egress', follow: false, tail: 1 })}\n`,
            )
            socket.write(`${JSON.stringify({ id: 2, op: 'status', nonce: 'asked' })}\n`)
          })
          socket.on('error', () => undefined)
        })
        server.listen(join(bundle.uplink, 'dial.sock'))
        await once(server, 'listening')
        expect(await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })).toMatchObject({
          ok: true,
        })
        await expect.poll(() => said.length, { timeout: 5000 }).toBeGreaterThanOrEqual(3)
        const [hello, ...answers] = said
        expect(hello).toEqual({ token: TOKEN, report: true })
        expect(answers.find(({ id }) => id === 1)).toMatchObject({ ok: false, code: 'unknown-op' })
        expect(answers.find(({ id }) => id === 2)).toMatchObject({
          ok: true,
          value: { daemons: { egress: { uid: 20_001 } } },
        })
        // What the daemon has dials, and cannot report: it is not what the supervisor reports with.
        expect(JSON.parse(await bundle.door('127.0.0.1', 909, 'token'))).toMatchObject({
          token: dialToken(TOKEN),
        })
        server.close()
      }),
  },
  {
    name: '(CRD-13) what a crashing daemon prints reaches no log with a secret in it',
    controls: ['stderr-reduction'],
    run: (off) =>
      within({ off }, async (bundle) => {
        await running(bundle)
        await bundle.ask({ op: 'configure', daemon: 'egress', config: config() })
        await bundle.door('127.0.0.1', 909, 'crash-with-secret')
        await expect
          .poll(() => bundle.output.find((line) => line.includes('daemon ended')), { timeout: 5000 })
          .toBeDefined()
        expect(bundle.output.join('\n')).toContain('TypeError')
        expect(bundle.output.join('\n')).not.toContain(SECRET)
      }),
  },
]

const PRIVATE = ['mem', 'environ', 'maps', 'fd/0', 'root', 'cwd']

/** What a user without capabilities gets to read of a process, and every answer that is no refusal. */
export function openTo(uid: number, pid: number): readonly string[] {
  const user = ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups']
  const nothing = ['--bounding-set', '-all', '--inh-caps', '-all', '--no-new-privs']
  return PRIVATE.flatMap((file) => {
    const look = ['sh', '-c', `cat /proc/${pid}/${file} || readlink /proc/${pid}/${file}`]
    const said = spawnSync('setpriv', [...user, ...nothing, ...look], { encoding: 'utf8' })
    const isClosed =
      said.status !== 0 && said.stdout === '' && /Permission denied|Operation not permitted/.test(said.stderr)
    return isClosed ? [] : [`${uid} reads ${file}: ${said.stdout}${said.stderr}`]
  })
}

/** A process's own words about itself. */
export function proc(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8')
}
