import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Engine } from '../../../src/drivers/docker/calls.ts'
import { decode, read } from '../../../src/drivers/docker/decode.ts'
import { memoryOfBottles } from '../../../src/drivers/docker/memory.ts'

let kernel: string
beforeEach(() => void (kernel = mkdtempSync(join(tmpdir(), 'bb-memory-'))))
afterEach(() => rmSync(kernel, { recursive: true }))

const container = (id: string, part: string, bottle: string, state = 'running', stack = 'acme') => ({
  id,
  name: id,
  image: '',
  imageId: '',
  state,
  networkMode: '',
  labels: {
    'dev.bot-bottle.stack': stack,
    'dev.bot-bottle.part': part,
    'dev.bot-bottle.address': `${part === 'bundle' ? 'bundle' : 'bottle'}/${bottle}`,
  },
})

/** An engine that tells `told` of every container that it is asked about. */
const engine = (
  containers: readonly ReturnType<typeof container>[],
  told: () => Promise<{ usedBytes: number; limitBytes: number } | undefined> = async () => undefined,
) => ({ containers: async () => containers, memory: told }) satisfies Partial<Engine> as unknown as Engine

const write = (folder: string, files: Readonly<Record<string, string>>): void => {
  mkdirSync(join(kernel, folder), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(kernel, folder, name), text)
}

test.each([
  ['memory/docker/c1', 'memory.usage_in_bytes', 'memory.limit_in_bytes', 'total_inactive_file'],
  [
    'memory/system.slice/docker-c1.scope',
    'memory.usage_in_bytes',
    'memory.limit_in_bytes',
    'total_inactive_file',
  ],
  ['docker/c1', 'memory.current', 'memory.max', 'inactive_file'],
  ['system.slice/docker-c1.scope', 'memory.current', 'memory.max', 'inactive_file'],
])('the kernel tells at %s, less the files that nobody uses', async (folder, used, limit, idle) => {
  write(folder, { [used]: '5000\n', [limit]: '9000\n', 'memory.stat': `anon 1\n${idle} 1000\n` })
  const found = await memoryOfBottles(engine([container('c1', 'agent', 'one')]), 'acme', kernel)
  expect([...found]).toEqual([['one', { agent: { usedBytes: 4000, limitBytes: 9000 } }]])
})

test('without a limit it is what the machine has', async () => {
  const files = { 'memory.current': '5000\n', 'memory.max': 'max\n', 'memory.stat': 'inactive_file 0\n' }
  write('docker/c1', files)
  const found = await memoryOfBottles(engine([container('c1', 'bundle', 'one')]), 'acme', kernel)
  expect(found.get('one')).toEqual({ bundle: { usedBytes: 5000, limitBytes: totalmem() } })
})

test('the engine tells of what the kernel here does not know, and of nothing that does not run or is not of the stack', async () => {
  const containers = [
    container('c1', 'agent', 'one'),
    container('c2', 'bundle', 'one'),
    container('c3', 'agent', 'two', 'exited'),
    container('c4', 'agent', 'three', 'running', 'other'),
    container('c5', 'holder', 'one'),
  ]
  const told = { usedBytes: 7, limitBytes: 9 }
  expect([
    ...(await memoryOfBottles(
      engine(containers, async () => told),
      'acme',
      kernel,
    )),
  ]).toEqual([['one', { agent: told, bundle: told }]])
})

test('an engine that does not tell is no failure', async () => {
  const silent = engine([container('c1', 'agent', 'one')], () => Promise.reject(new Error('no statistics')))
  expect([...(await memoryOfBottles(silent, 'acme', kernel))]).toEqual([])
})

test.each([
  ['of the first cgroups', { total_inactive_file: 1000, inactive_file: 1 }, 4000],
  ['of the second', { inactive_file: 500 }, 4500],
  ['without a word about files', {}, 5000],
])('what the engine says %s is read as `docker stats` does', (_of, stats, usedBytes) => {
  const answer = { memory_stats: { usage: 5000, limit: 9000, stats } }
  expect(decode('read', 'statistics', read.memory, answer)).toEqual({ usedBytes, limitBytes: 9000 })
  expect(decode('read', 'statistics', read.memory, { memory_stats: {} })).toBeUndefined()
})
