/** What the benchmark works in: a folder, the installed package, a state folder, stacks of its own; all of it gone at the end. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { read, time } from './measure.ts'

const ROOT = join(import.meta.dirname, '..')

export interface Laboratory {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** As `npm install` of the packed package puts it. */
  readonly installed: string
  readonly checkout: string
  /** Writes a manifest and answers its path. */
  manifest(stack: string, bottles: number): string
  apply(stack: string): Promise<number>
  destroy(stack: string): Promise<void>
  close(): Promise<void>
}

export async function openLaboratory(): Promise<Laboratory> {
  const folder = mkdtempSync(join(tmpdir(), 'bot-bottle-bench-'))
  const home = join(folder, 'home')
  mkdirSync(home, { mode: 0o700 })
  const env = { BOT_BOTTLE_HOME: home, NO_COLOR: '1' }
  const stacks = new Set<string>()
  const installed = await install(folder)
  const manifestOf = (stack: string) => join(folder, `${stack}.yaml`)
  const laboratory: Laboratory = {
    folder,
    env,
    installed,
    checkout: join(ROOT, 'bin/bot-bottle'),
    manifest(stack, bottles) {
      writeFileSync(manifestOf(stack), stackOf(stack, bottles))
      return manifestOf(stack)
    },
    apply(stack) {
      stacks.add(stack)
      return time({
        argv: [installed, 'apply', '--yes', '--timeout', '600', '-f', manifestOf(stack)],
        env,
        cwd: folder,
      })
    },
    async destroy(stack) {
      await time({ argv: [installed, 'destroy', '--yes', '--stack', stack], env, cwd: folder })
      stacks.delete(stack)
    },
    async close() {
      for (const stack of stacks) await laboratory.destroy(stack).catch(() => removeByHand(stack))
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return laboratory
}

/** `npm pack`, then `npm install` of the file into an empty folder: the package as a user has it. */
async function install(folder: string): Promise<string> {
  const packed = join(folder, 'packed')
  const into = join(folder, 'installed')
  mkdirSync(packed)
  mkdirSync(into)
  await read({ argv: ['npm', 'pack', '--pack-destination', packed], cwd: ROOT })
  const [file = ''] = readdirSync(packed)
  writeFileSync(join(into, 'package.json'), '{"private":true}')
  await read({
    argv: [
      'npm',
      'install',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--prefer-offline',
      join(packed, file),
    ],
    cwd: into,
  })
  return join(into, 'node_modules/.bin/bot-bottle')
}

function stackOf(stack: string, bottles: number): string {
  const one = (index: number) => `  b${index}:
    resources: { memory: 128MiB, pids: 64 }
    egress:
      routes:
        - host: api.example.com
        - host: docs.example.com
`
  return `version: 1\nstack: ${stack}\nbottles:\n${Array.from({ length: bottles }, (_, index) => one(index)).join('')}`
}

/** The last resort when `destroy` fails: containers, volumes and networks by the names of the stack. */
async function removeByHand(stack: string): Promise<void> {
  const named = async (...argv: readonly string[]) =>
    (await read({ argv: ['docker', ...argv] })).split('\n').filter((name) => name.startsWith(`bb_${stack}_`))
  const containers = await named('ps', '-a', '--format', '{{.Names}}')
  if (containers.length > 0) await read({ argv: ['docker', 'rm', '-fv', ...containers] }).catch(() => '')
  const networks = await named('network', 'ls', '--format', '{{.Name}}')
  if (networks.length > 0) await read({ argv: ['docker', 'network', 'rm', ...networks] }).catch(() => '')
  const volumes = await named('volume', 'ls', '--format', '{{.Name}}')
  if (volumes.length > 0) await read({ argv: ['docker', 'volume', 'rm', '-f', ...volumes] }).catch(() => '')
}
