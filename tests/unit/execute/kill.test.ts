/** A sample of the crash matrix with real processes: SIGKILL, the lock falls, the next program goes on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StackShape } from '../reconcile/stacks.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'bb-kill-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const shape: StackShape = {
  dev: { routes: { 'a.example': ['/x/'] } },
  review: { routes: { 'b.example': [] } },
}

async function program(name: string, killAt: number, moment: string, desired: StackShape = shape) {
  const args = [
    join(import.meta.dirname, 'victim.ts'),
    join(dir, name),
    JSON.stringify(desired),
    `${killAt}`,
    moment,
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, told: output === '' ? undefined : (JSON.parse(output) as Record<string, number>) }
}

describe.each(['before', 'after', 'call'])('a program killed with SIGKILL (%s)', (moment) => {
  it.each([1, 5, 10])(
    'at point %i is completed by the next one at once',
    async (at) => {
      const name = `${moment}-${at}`
      mkdirSync(join(dir, name))
      expect(await program(name, at, moment)).toMatchObject({ signal: 'SIGKILL' })
      expect(await program(name, 0, moment)).toMatchObject({ code: 0, told: { left: 0, pending: 0 } })
      const gone = await program(name, 0, moment, {})
      expect(gone).toMatchObject({ code: 0, told: { left: 0 } })
    },
    60_000,
  )
})
