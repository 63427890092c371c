import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import type { Engine } from '../../../src/drivers/docker/calls.ts'
import { run } from '../../../src/drivers/docker/exec.ts'

/** An engine whose one program never prints, never ends. */
const stopped = {
  createExec: () => Promise.resolve('exec-1'),
  startExec: () => Promise.resolve(new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() })),
  execState: () => Promise.resolve({ running: true, exitCode: -1 }),
} satisfies Partial<Engine> as unknown as Engine

test('a helper that the agent stopped ends with its time, not with the caller', async () => {
  const spec = { argv: ['/.bb/guest', 'call'], user: '1000:1000', env: {}, cwd: '/', limitMs: 50 }
  await expect(run(stopped, 'agent', spec)).rejects.toMatchObject({
    code: 'exec-silent',
    message: '/.bb/guest call did not end in 0.05 s',
  })
})
