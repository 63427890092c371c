/** Programs that are kept as a snapshot of their heap: what may be in one, and that egress can be. */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleForSnapshot, snapshotSettings } from '../../../src/drivers/docker/images/programs.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../..')

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bb-programs-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The snapshot of a source; rejects with what Node said. */
async function snapshotOf(source: string): Promise<string> {
  const [settings, script, blob] = ['snapshot.json', 'main.cjs', 'main.blob'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  writeFileSync(script, (await bundleForSnapshot({ main: source }, '1.2.3')).get('main') ?? '')
  writeFileSync(settings, snapshotSettings(script))
  await run(process.execPath, ['--snapshot-blob', blob, '--build-snapshot-config', settings])
  return blob
}

function written(text: string): string {
  const source = join(folder, 'main.ts')
  writeFileSync(source, text)
  return source
}

describe('a program that is kept as a snapshot', () => {
  it('has run its modules before, and does the rest in each process', async () => {
    const blob = await snapshotOf(
      written(`
        import { randomBytes } from 'node:crypto'
        import { startupSnapshot } from 'node:v8'
        const table = [1, 2, 3].map((one) => one * one)
        startupSnapshot.setDeserializeMainFunction(() =>
          console.log(JSON.stringify({ table, told: process.argv[2], drawn: randomBytes(8).toString('hex') })))
        table.push(16)
      `),
    )
    const said = async (word: string): Promise<Readonly<Record<string, unknown>>> =>
      JSON.parse((await run(process.execPath, ['--snapshot-blob', blob, 'main', word])).stdout)
    const [one, two] = [await said('one'), await said('two')]
    expect(one).toMatchObject({ table: [1, 4, 9, 16], told: 'one' })
    expect(two).toMatchObject({ table: [1, 4, 9, 16], told: 'two' })
    expect(one['drawn']).not.toBe(two['drawn'])
  })

  it.each([
    [
      'random bytes',
      `import { randomBytes } from 'node:crypto'; const key = randomBytes(32); console.log(key)`,
      'crypto',
    ],
    ['a file', `import fs from 'fs'; console.log(fs.readFileSync('/etc/passwd'))`, 'fs'],
    ['the name of the machine', `import * as os from 'node:os'; console.log(os.hostname())`, 'os'],
  ])('cannot hold %s', async (_what, source, module) => {
    await expect(snapshotOf(written(source))).rejects.toThrow(`${module} is used while a snapshot is made`)
  })

  it('egress is one: it is there for its supervisor at once', async () => {
    const blob = await snapshotOf(join(ROOT, 'sidecars/egress/main.ts'))
    const child = fork('main.js', [], { execArgv: ['--snapshot-blob', blob], env: {}, cwd: folder })
    expect(await once(child, 'message')).toEqual([{ ready: true, version: '1.2.3' }, undefined])
    child.disconnect()
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
  })
})
