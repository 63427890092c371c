import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryDriver } from '../../../src/drivers/memory/driver.ts'
import { memoryWorld } from '../../../src/drivers/memory/world.ts'
import { run } from '../../../src/cli/main.ts'
import type { Io } from '../../../src/cli/io.ts'
import { MANIFEST, openProgram, TOKEN } from './program.ts'

let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
  program.write('bottles.yaml', MANIFEST)
})
afterEach(() => program.close())

const recorded = (): unknown => program.world.read().stacks['acme']?.record?.bottles['implementer']?.stopped

describe('resume', () => {
  it('starts a bottle that was stopped, and has it recorded as started', async () => {
    await program.run('apply', { env: TOKEN })
    await program.run('stop implementer', { env: TOKEN })
    expect(recorded()).toBe(true)
    const { stderr } = await program.run('resume implementer', { env: TOKEN })
    expect(stderr, 'there are no programs in memory').toContain('driver memory holds no agent program')
    expect(recorded()).toBe(false)
    expect((await program.run('diff', { env: TOKEN })).code).toBe(0)
  })

  it('brings its bottle in sync as run does', async () => {
    const { stdout } = await program.run('resume implementer', { env: TOKEN })
    expect(stdout).toContain('+ bottle/implementer')
    expect(stdout).not.toContain('bottle/reviewer')
  })

  it('names what there is where there is no such bottle', async () => {
    const { code, stderr } = await program.run('resume nobody', { env: TOKEN })
    expect([code, stderr]).toEqual([2, expect.stringContaining('there is no bottle `nobody`')])
  })

  it('goes on where the bottle lives, and removes nothing there, when the manifest names another driver', async () => {
    const there = memoryWorld()
    const output: string[] = []
    const base = program.io({ ...TOKEN })
    const hear = (stream: NodeJS.ReadableStream): void =>
      void stream.on('data', (text: Buffer) => output.push(String(text)))
    const io = (driver: string): Io => ({
      ...program.io({ ...TOKEN, BOT_BOTTLE_DRIVER: driver }),
      stderr: base.stderr,
      drivers: {
        ...base.drivers,
        docker: async ({ installation }) => ({
          ...memoryDriver({ world: there, installation }),
          name: 'docker',
        }),
      },
    })
    hear(base.stderr as unknown as NodeJS.ReadableStream)
    await run(['apply'], io('docker'))
    const before = Object.keys(there.read().stacks['acme']?.bottles ?? {})
    expect(before).toContain('implementer')
    await run(['resume', 'implementer'], io('memory'))
    expect(output.join('')).toContain(
      'implementer lives on driver docker, which the manifest no longer names',
    )
    expect(Object.keys(there.read().stacks['acme']?.bottles ?? {})).toEqual(before)
    expect(program.world.read().stacks['acme']).toBeUndefined()
  })
})
