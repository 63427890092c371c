/**
 * What agents use, as programs beside the door: Python's HTTP libraries in an environment of their own (`h11`, which
 * reads requests as a second parser, is one of them), the MCP client, and Debian's programs that are missing.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePackages, labsCache, run, say, succeeds, timed } from './cache.ts'

const PYTHON = ['h11==0.16.0', 'requests==2.34.2', 'httpx==0.28.1', 'aiohttp==3.14.5', 'websockets==17.4']
const NODE = ['@modelcontextprotocol/sdk@1.32.2']
/** Raised with every change of the lists above. */
const EDITION = 1

const PROGRAMS = [
  ['curl', ['curl', '--version']],
  ['wget', ['wget', '--version']],
  ['git', ['git', '--version']],
  ['python3', ['python3', '--version']],
] as const
/** Sparse registries are stable since 1.68; Debian 12 has a newer one beside its own for browsers. */
const CARGO_MIN = 68

const folder = (): string => join(labsCache(), `clients-${EDITION}`)

/** Its Python has the libraries. */
export const clientsPython = (): string => join(folder(), 'python', 'bin', 'python3')
/** Where Node finds the MCP client. */
export const clientsModules = (): string => join(folder(), 'node', 'node_modules')

/** Why they cannot run here; undefined when they can. */
export function clientsMissing(): string | undefined {
  if (!existsSync(clientsPython())) return `nothing in ${folder()}; make it with: npm run labs`
  const lacking: string[] = PROGRAMS.filter(([, probe]) => !succeeds(probe)).map(([name]) => name)
  if (!cargoServes()) lacking.push('cargo')
  return lacking.length === 0 ? undefined : `${lacking.join(', ')} missing; install with: npm run labs`
}

/** Idempotent. */
export async function prepareClients(): Promise<void> {
  await ensurePackages([...PROGRAMS, [cargoPackage(), cargoServes() ? ['true'] : ['false']]])
  const to = folder()
  if (existsSync(to)) return say(`clients of the door are in ${to}`)
  const unfinished = `${to}.new`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(join(unfinished, 'node'), { recursive: true })
  try {
    await timed('clients of the door', async () => {
      await makePython(join(unfinished, 'python'))
      writeFileSync(join(unfinished, 'node', 'package.json'), '{"private":true}\n')
      run(['npm', 'install', '--prefix', join(unfinished, 'node'), '--ignore-scripts', '--no-audit', '--no-fund', ...NODE]) // prettier-ignore
    })
    renameSync(unfinished, to)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

async function makePython(to: string): Promise<void> {
  await ensurePackages([['python3-venv', ['python3', '-c', 'import venv, ensurepip']]])
  // Found by its own folder, so that it can be moved to its place.
  run(['python3', '-m', 'venv', to])
  run([join(to, 'bin', 'python3'), '-m', 'pip', 'install', '--quiet', ...PYTHON])
}

function cargoServes(): boolean {
  if (!succeeds(['cargo', '--version'])) return false
  return Number(/^cargo 1\.(\d+)/.exec(run(['cargo', '--version']))?.[1] ?? 0) >= CARGO_MIN
}

const cargoPackage = (): string =>
  succeeds(['grep', '-q', '^VERSION_CODENAME=bookworm', '/etc/os-release']) ? 'cargo-web' : 'cargo'
