/** The copy of a large workspace into a new bottle, beside `tar` into the same container by hand. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { Laboratory } from './laboratory.ts'
import { emptyProgram, line, read, type Line } from './measure.ts'

const FILES = 20_000
const BYTES = 500_000_000
const EMPTY = 'bench-work-empty'

/**
 * What a bottle with a workspace takes longer to provision than one without, in turn with the reference. Nothing that was
 * written is removed before the end: ext4 passes over inodes that were freed in the last minutes one by one, and would
 * count that to whoever comes first.
 */
export async function workspaceLines(laboratory: Laboratory, rounds: number): Promise<readonly Line[]> {
  makeTree(join(laboratory.folder, 'tree'))
  const times = { node: [], copy: [], plain: [] } as Record<'node' | 'copy' | 'plain', number[]>
  const filled: string[] = []
  try {
    for (let round = -1; round < rounds; round++) {
      const node = await emptyProgram()
      const empty = await provisioned(laboratory, EMPTY, '')
      await laboratory.destroy(EMPTY)
      const stack = `bench-work-${round + 1}`
      filled.push(stack)
      const whole = await provisioned(laboratory, stack, '    workspace: { source: tree }\n')
      const plain = await byHand(stack, join(laboratory.folder, 'tree'))
      if (round < 0) continue
      times.node.push(node)
      times.copy.push(whole - empty)
      times.plain.push(plain)
    }
  } finally {
    for (const stack of filled) await laboratory.destroy(stack)
  }
  return [
    line(`copy of a workspace, ${FILES} files, ${BYTES / 1e6} MB`, times.copy, {
      node: times.node,
      reference: { what: 'tar | docker exec -i tar x', times: times.plain },
      ratioMax: 1.5,
    }),
  ]
}

/** Folders of a hundred files each, of one size, with what cannot be packed smaller. */
function makeTree(root: string): void {
  const content = randomBytes(BYTES / FILES)
  for (let index = 0; index < FILES; index++) {
    const folder = join(root, `d${Math.floor(index / 1000)}`, `e${Math.floor(index / 100) % 10}`)
    if (index % 100 === 0) mkdirSync(folder, { recursive: true })
    content.writeUInt32LE(index)
    writeFileSync(join(folder, `f${index}`), content)
  }
}

/** Milliseconds of the one action that provisions, as the program's own events tell them. */
async function provisioned(
  { folder, env, installed, manifest }: Laboratory,
  stack: string,
  more: string,
): Promise<number> {
  const path = manifest(stack, 0)
  const bottle = `bottles:\n  b0:\n    resources: { pids: 128 }\n${more}`
  writeFileSync(path, `version: 1\nstack: ${stack}\n${bottle}`)
  await written()
  const argv = [installed, 'apply', '--yes', '--timeout', '600', '--output', 'events', '-f', path]
  const events = (await read({ argv, env, cwd: folder })).split('\n').filter((text) => text !== '')
  const ended = events
    .map(
      (text) =>
        JSON.parse(text) as { readonly type?: string; readonly address?: string; readonly duration?: number },
    )
    .find(({ type, address }) => type === 'action-ended' && address === 'guest/b0')
  if (ended?.duration === undefined) throw new Error('the guest was not provisioned')
  return ended.duration
}

/** What was written before is on the disk: nobody waits for another's bytes. */
const written = (): Promise<string> => read({ argv: ['sync'] })

/** As the agent's user, into a folder of the same volume. */
async function byHand(stack: string, tree: string): Promise<number> {
  const agent = `bb_${stack}_b0_agent`
  await read({ argv: ['docker', 'exec', '-u', '1000:1000', agent, 'mkdir', '/workspace/by-hand'] })
  await written()
  const from = performance.now()
  const packing = spawn('tar', ['-C', tree, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const words = ['exec', '-i', '-u', '1000:1000', agent, 'tar', '-x', '-C', '/workspace/by-hand']
  const unpacking = spawn('docker', words, { stdio: [packing.stdout, 'inherit', 'inherit'] })
  const code = await new Promise((resolve) => unpacking.once('close', resolve))
  if (code !== 0) throw new Error(`tar in the container ended with ${String(code)}`)
  return performance.now() - from
}
