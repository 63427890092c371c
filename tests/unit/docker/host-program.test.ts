import { constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { runOnHost } from '../../../src/drivers/docker/images/host-program.ts'

const never = new AbortController().signal
const said = async (script: string, signal = never): Promise<readonly string[]> => {
  const lines: string[] = []
  await runOnHost(['/bin/sh', '-c', script], (line) => lines.push(line), signal)
  return lines
}

test('tells its lines, whichever stream they come on', async () => {
  expect((await said('echo "  one"; echo; echo two >&2')).toSorted()).toEqual(['one', 'two'])
})

test('has a small environment', async () => {
  process.env['CANARY'] = 'seen'
  expect((await said('env')).join('\n')).not.toContain('CANARY')
  delete process.env['CANARY']
})

test('that fails is named with its code and the last it said', async () => {
  await expect(said('echo early; seq 1 200; echo late >&2; exit 3')).rejects.toMatchObject({
    code: 'base-image',
    message: expect.stringMatching(/^\/bin\/sh -c failed with exit code 3: (?![^]*early)[^]*200[^]*late$/),
  })
})

test('that is not there is named', async () => {
  await expect(runOnHost(['/no/such/program'], () => {}, never)).rejects.toMatchObject({
    code: 'base-image',
    message: expect.stringContaining('/no/such/program was ended, or did not start'),
  })
})

test('ends with the run, and with it what it started', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bb-host-'))
  const held = join(folder, 'held')
  execFileSync('mkfifo', [held])
  const reader = new Socket({ fd: openSync(held, constants.O_RDONLY | constants.O_NONBLOCK) })
  const abort = new AbortController()
  const lines: string[] = []
  const running = runOnHost(
    ['/bin/sh', '-c', `(echo begun; exec sleep 600) > ${held} & echo started; sleep 600`],
    (line) => lines.push(line),
    abort.signal,
  )
  reader.once('data', () => abort.abort())
  const all = text(reader)
  await expect(running).rejects.toThrow()
  expect(await all).toBe('begun\n')
  rmSync(folder, { recursive: true })
})
