/** What an act of the demo stands on: a folder, the program as a user runs it, and a narrator. */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
export const BOT_BOTTLE = join(ROOT, 'bin/bot-bottle')

export interface Ran {
  readonly code: number
  readonly out: string
}

export interface Stage {
  readonly folder: string
  readonly manifest: string
  readonly env: NodeJS.ProcessEnv
  /** Runs the program as a user would and shows what it printed. */
  bottle(...args: readonly string[]): Promise<Ran>
  dispose(): void
}

/** A copy of `fixtures/FIXTURE` with a home of its own; `secrets` are the host's variables that the manifest refers to. */
export function openStage(fixture: string, secrets: Readonly<Record<string, string>>): Stage {
  const folder = mkdtempSync(join(tmpdir(), 'bot-bottle-demo-'))
  cpSync(join(ROOT, 'fixtures', fixture), folder, { recursive: true })
  const home = join(folder, 'home')
  mkdirSync(home, { mode: 0o700 })
  const env = { ...process.env, BOT_BOTTLE_HOME: home, NO_COLOR: '1', ...secrets }
  return {
    folder,
    manifest: join(folder, 'bottles.yaml'),
    env,
    bottle: (...args) => shown(folder, env, args),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function shown(cwd: string, env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Ran> {
  process.stdout.write(`\n  $ bot-bottle ${args.map(quoted).join(' ')}\n`)
  return new Promise((resolve) => {
    const child = spawn(BOT_BOTTLE, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    const take = (chunk: Buffer) => {
      out += chunk
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('close', (code) => {
      show(out || '(no output)')
      process.stdout.write(`    [exit ${code}]\n`)
      resolve({ code: code ?? 70, out })
    })
  })
}

const quoted = (word: string): string => (/[^\w@%+=:,./-]/.test(word) ? `'${word}'` : word)

export function narrate(text: string): void {
  process.stdout.write(`\n# ${text}\n`)
}

export function show(text: string): void {
  for (const line of text.trimEnd().split('\n')) process.stdout.write(`    ${line}\n`)
}

export function expect(what: string, holds: boolean): void {
  if (holds) return
  process.stderr.write(`\ndemo: expected that ${what}\n`)
  process.exitCode = 1
}

/** Names of the engine's containers, volumes and networks of the demo's stacks: others may use the engine at the same time. */
export function engineObjects(): string {
  const list = (...args: readonly string[]) =>
    spawnSync('docker', [...args, '--filter', 'name=bb_demo'], { encoding: 'utf8' }).stdout
  return [
    list('ps', '-a', '--format', '{{.Names}}'),
    list('volume', 'ls', '-q'),
    list('network', 'ls', '--format', '{{.Name}}'),
  ]
    .map((each) => each.split('\n').sort().join(' '))
    .join('|')
}

/** The host's address on the engine's default bridge: what an uplink can reach. */
export function bridgeAddress(): string {
  const found = spawnSync(
    'docker',
    ['network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Gateway}}'],
    { encoding: 'utf8' },
  )
  const address = found.stdout.trim()
  return address === '' ? '172.17.0.1' : address
}
