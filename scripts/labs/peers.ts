/** The proxies that the door is measured against (`bench/egress`), each from where it is published, kept in the cache. */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePackages, labsCache, run, succeeds, timed } from './cache.ts'
import { ensureGo } from './go.ts'

const MITMPROXY = '11.0.2'

/** A program of this repository's own Go source, built again when that has changed. */
export async function goProgram(folder: string): Promise<string> {
  const digest = createHash('sha256')
  const name = folder.split('/').at(-1) ?? ''
  for (const file of readdirSync(folder).sort()) digest.update(file).update(readFileSync(join(folder, file)))
  const program = join(labsCache(), `bench-${name}-${digest.digest('hex').slice(0, 12)}`)
  if (existsSync(program)) return program
  const go = await ensureGo()
  const unfinished = `${program}.new`
  rmSync(unfinished, { recursive: true, force: true })
  cpSync(folder, unfinished, { recursive: true })
  await timed(`go build ${name}`, () =>
    run([go, 'build', '-C', unfinished, '-buildvcs=false', '-o', join(unfinished, 'program'), '.']),
  )
  renameSync(join(unfinished, 'program'), program)
  rmSync(unfinished, { recursive: true })
  return program
}

export async function ensureNginx(): Promise<string> {
  await ensurePackages([['nginx', ['nginx', '-v']]])
  return 'nginx'
}

/** The program and what mints its certificates. */
export async function ensureSquid(): Promise<{ readonly squid: string; readonly minting: string }> {
  const minting = '/usr/lib/squid/security_file_certgen'
  await ensurePackages([['squid-openssl', ['test', '-x', minting]]])
  return { squid: 'squid', minting }
}

export async function ensureMitmproxy(): Promise<string> {
  const folder = join(labsCache(), `mitmproxy-${MITMPROXY}`)
  const program = join(folder, 'bin', 'mitmdump')
  if (succeeds([program, '--version'])) return program
  await timed(`mitmproxy ${MITMPROXY} from PyPI`, () => {
    // A virtual environment cannot be moved; one that is not whole has no program that answers.
    rmSync(folder, { recursive: true, force: true })
    run(['python3', '-m', 'venv', folder])
    run([join(folder, 'bin', 'pip'), 'install', '--quiet', `mitmproxy==${MITMPROXY}`])
  })
  return program
}
