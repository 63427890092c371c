/**
 * Makes the lock of each built-in provider from the registry: which packages its program is, and what each archive has
 * to be. Reads the version from the provider; no package is run. `node scripts/provider-locks.ts [NAME…]`
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LockedPackage } from '../src/model/provider.ts'

/** `only`: of the packages that npm would install, those the program consists of. */
const PROGRAMS: Readonly<Record<string, { readonly npm: string; readonly only?: RegExp }>> = {
  claude: { npm: '@anthropic-ai/claude-code', only: /claude-code-linux-(x64|arm64)$/ },
  codex: { npm: '@openai/codex', only: /codex-linux-(x64|arm64)$/ },
  pi: { npm: '@earendil-works/pi-coding-agent' },
}

interface NpmLock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly name?: string
        readonly version: string
        readonly integrity?: string
        readonly cpu?: readonly string[]
        readonly os?: readonly string[]
        readonly libc?: readonly string[]
      }
    >
  >
}

function lockOf(name: string): void {
  const { npm, only } = PROGRAMS[name] ?? { npm: '' }
  if (npm === '') throw new Error(`no provider ${name}; there are ${Object.keys(PROGRAMS).join(', ')}`)
  const folder = join(import.meta.dirname, '..', 'src', 'providers', name)
  const version = /VERSION = '([^']+)'/.exec(readFileSync(join(folder, 'index.ts'), 'utf8'))?.[1]
  if (version === undefined) throw new Error(`${folder}/index.ts has no VERSION`)
  const lock = npmLock(`${npm}@${version}`)
  const packages = Object.entries(lock.packages).flatMap(([path, found]): LockedPackage[] => {
    if (path === '' || (only && !only.test(path)) || !runsOnLinux(found)) return []
    if (found.integrity === undefined) throw new Error(`${path} has no integrity`)
    const [cpu] = found.cpu ?? []
    return [
      {
        path,
        name: found.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
        version: found.version,
        integrity: found.integrity,
        ...(cpu !== undefined && { cpu }),
      },
    ]
  })
  writeFileSync(join(folder, 'lock.json'), `${JSON.stringify({ version, packages }, undefined, 2)}\n`)
  process.stderr.write(`${name} ${version}: ${packages.length} packages\n`)
}

function runsOnLinux({ os, cpu, libc }: NpmLock['packages'][string]): boolean {
  return (
    (os?.includes('linux') ?? true) &&
    (cpu === undefined || cpu.some((one) => one === 'x64' || one === 'arm64')) &&
    (libc?.includes('glibc') ?? true)
  )
}

function npmLock(spec: string): NpmLock {
  const folder = mkdtempSync(join(tmpdir(), 'bot-bottle-lock-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true}\n')
    execFileSync(
      'npm',
      [
        'install',
        '--package-lock-only',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--prefix',
        folder,
        spec,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    return JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as NpmLock
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PROGRAMS)) lockOf(name)
