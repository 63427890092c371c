/**
 * A Go that is new enough: the machine's, else the toolchain from the Go module proxy, fetched and verified by whatever
 * Go is there (Debian 12 has 1.19, which cannot switch by itself) and kept in the cache.
 */
import { chmodSync, cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePackages, labsCache, run, succeeds, timed } from './cache.ts'

/** Both laboratories' programs compile with it. */
const VERSION = '1.26.8'
const NEEDED = [1, 26, 3] as const
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Path of a `go` program. */
export async function ensureGo(): Promise<string> {
  if (succeeds(['go', 'version']) && newEnough(run(['go', 'env', 'GOVERSION'], { GOTOOLCHAIN: 'local' })))
    return 'go'
  const kept = join(labsCache(), `go${VERSION}`)
  const program = join(kept, 'bin', 'go')
  if (existsSync(program)) return program
  await ensurePackages([['golang-go', ['go', 'version']]])
  await timed(`Go ${VERSION} from the module proxy`, () => fetchToolchain(kept))
  return program
}

function newEnough(version: string): boolean {
  const found = (/^go(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []).slice(1).map((part) => Number(part ?? 0))
  for (const [index, needed] of NEEDED.entries()) {
    const part = found[index] ?? 0
    if (part !== needed) return part > needed
  }
  return true
}

function fetchToolchain(to: string): void {
  const module = `golang.org/toolchain@v0.0.1-go${VERSION}.linux-${ARCHITECTURES[process.arch] ?? process.arch}`
  const answer: unknown = JSON.parse(
    run(['go', 'mod', 'download', '-json', module], { GOTOOLCHAIN: 'local', GOFLAGS: '' }),
  )
  if (typeof answer !== 'object' || answer === null || !('Dir' in answer))
    throw new Error(`go mod download ${module} says no folder`)
  const unfinished = `${to}.new`
  rmSync(unfinished, { recursive: true, force: true })
  cpSync(String(answer.Dir), unfinished, { recursive: true })
  // What Go does itself when it switches: modules hold neither a second go.mod nor executable files.
  chmodSync(join(unfinished, 'src'), 0o755)
  renameSync(join(unfinished, 'src', '_go.mod'), join(unfinished, 'src', 'go.mod'))
  for (const folder of ['bin', `pkg/tool/linux_${ARCHITECTURES[process.arch] ?? process.arch}`])
    for (const name of readdirSync(join(unfinished, folder))) chmodSync(join(unfinished, folder, name), 0o755)
  chmodSync(unfinished, 0o755)
  renameSync(unfinished, to)
}
