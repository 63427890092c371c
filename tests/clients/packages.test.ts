/** Package managers and git fetch through the door, from mirrors behind it, with the environment of a bottle and no other word about the proxy. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientsMissing, clientsPython } from '../../scripts/labs/clients.ts'
import { succeeds } from '../../scripts/labs/cache.ts'
import type { LogLine } from '../../sidecars/supervisor/ipc.ts'
import { openDoor } from '../door/door.ts'
import type { Door, Upstream } from '../door/door.ts'
import { route } from '../unit/egress/lab.ts'
import { makeRepository, mirrors, serveGit, servePages, WORDS } from './mirrors.ts'
import { openPrograms } from './programs.ts'
import type { Programs } from './programs.ts'

const missing = clientsMissing()
if (missing !== undefined) process.stdout.write(`package managers through the door: skipped, ${missing}\n`)
const noGo = missing ?? (succeeds(['go', 'version']) ? undefined : 'no Go toolchain here')
const noApt = missing ?? (succeeds(['apt-get', '--version']) ? undefined : 'no apt here')
for (const [name, reason] of [
  ['go', noGo],
  ['apt-get', noApt],
] as const)
  if (missing === undefined && reason !== undefined)
    process.stdout.write(`${name} through the door: skipped, ${reason}\n`)

describe('through the door', () => {
  let door: Door
  let programs: Programs
  let folder = ''
  const decided: LogLine[] = []

  beforeAll(async () => {
    if (missing !== undefined) return
    const upstreams: Record<string, Upstream> = {}
    // The mirrors are made before there is a door, whose root the programs trust.
    folder = mkdtempSync(join(tmpdir(), 'mirrors-'))
    for (const [host, pages] of Object.entries(mirrors(folder)))
      upstreams[host] = { request: servePages(pages) }
    makeRepository(folder)
    upstreams['git.test'] = { request: serveGit(folder) }
    door = await openDoor({
      upstreams,
      routes: Object.keys(upstreams).map((host) =>
        route({ host, gitFetch: host === 'git.test', matches: [{ methods: ['GET', 'HEAD', 'POST'] }] }),
      ),
      log: 'all',
      onLog: (line) => decided.push(line),
    })
    programs = openPrograms(door)
  })
  afterAll(async () => {
    programs?.close()
    await door?.close()
    if (folder !== '') rmSync(folder, { recursive: true, force: true })
  })

  const hosts = (): readonly string[] => [
    ...new Set(
      decided
        .splice(0)
        .map(({ host, decision, rule }) => (decision === 'allow' ? `allow ${host}` : `${rule} ${host}`)),
    ),
  ]
  const read = (...path: readonly string[]): string => readFileSync(join(programs.folder, ...path), 'utf8')

  it.skipIf(missing !== undefined)('pip installs', async () => {
    const { code, err } = await programs.run([clientsPython(), '-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--target', 'py', '-i', 'https://pypi.test/simple', 'demo']) // prettier-ignore
    expect({ code, err }).toMatchObject({ code: 0 })
    expect(read('py', 'demo.py')).toContain(WORDS)
    expect(hosts()).toEqual(['allow pypi.test'])
  })

  it.skipIf(missing !== undefined)('npm installs', async () => {
    mkdirSync(join(programs.folder, 'js'))
    const { code, err } = await programs.run(['npm', 'install', '--prefix', 'js', '--registry', 'https://npm.test/', '--no-audit', '--no-fund', '--no-update-notifier', 'demo']) // prettier-ignore
    expect({ code, err }).toMatchObject({ code: 0 })
    expect(read('js', 'node_modules', 'demo', 'index.js')).toContain(WORDS)
    expect(hosts()).toEqual(['allow npm.test'])
  })

  it.skipIf(missing !== undefined)('cargo fetches from a sparse registry', async () => {
    const folder = join(programs.folder, 'rs')
    mkdirSync(join(folder, 'src'), { recursive: true })
    mkdirSync(join(folder, '.cargo'))
    writeFileSync(join(folder, 'src', 'lib.rs'), '')
    writeFileSync(join(folder, '.cargo', 'config.toml'), '[registries.mirror]\nindex = "sparse+https://crates.test/index/"\n') // prettier-ignore
    writeFileSync(join(folder, 'Cargo.toml'), '[package]\nname = "rs"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\ndemo = { version = "1", registry = "mirror" }\n') // prettier-ignore
    const cargo = ['env', '-C', folder, 'cargo']
    const fetched = await programs.run([...cargo, 'fetch'], { CARGO_HOME: join(programs.folder, 'cargo') })
    expect(fetched).toMatchObject({ code: 0 })
    const tree = await programs.run([...cargo, 'tree', '--offline'], { CARGO_HOME: join(programs.folder, 'cargo') }) // prettier-ignore
    expect(tree.out).toContain('demo v1.0.0 (registry `mirror`)')
    expect(hosts()).toEqual(['allow crates.test'])
  })

  it.skipIf(noGo !== undefined)('go downloads a module', async () => {
    const { code, out, err } = await programs.run(
      ['go', 'mod', 'download', '-json', 'demo.test/mod@v1.0.0'],
      {
        GOPROXY: 'https://go.test',
        GOSUMDB: 'off',
        GOTOOLCHAIN: 'local',
        GOFLAGS: '-modcacherw',
      },
    )
    expect({ code, err }).toMatchObject({ code: 0 })
    const { Dir: folder } = JSON.parse(out) as { Dir: string }
    expect(readFileSync(join(folder, 'words.go'), 'utf8')).toContain(WORDS)
    expect(hosts()).toEqual(['allow go.test'])
  })

  it.skipIf(noApt !== undefined)('apt-get updates and downloads', async () => {
    const folder = join(programs.folder, 'apt')
    for (const name of ['lists/partial', 'archives/partial', 'etc'])
      mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, 'sources.list'), 'deb [trusted=yes] https://debian.test/repo stable main\n')
    writeFileSync(join(folder, 'status'), '')
    const options = Object.entries({
      'Dir::State': folder,
      'Dir::State::status': join(folder, 'status'),
      'Dir::State::lists': join(folder, 'lists'),
      'Dir::Cache': folder,
      'Dir::Etc': join(folder, 'etc'),
      'Dir::Etc::SourceList': join(folder, 'sources.list'),
      'Dir::Etc::SourceParts': '/dev/null',
      'APT::Sandbox::User': 'root',
      'APT::Architecture': 'amd64',
      'Acquire::Languages': 'none',
      // In a bottle the root is in the system's store, which is all that apt reads.
      'Acquire::https::CaInfo': join(programs.folder, 'root.pem'),
    }).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    expect(await programs.run(['apt-get', ...options, 'update'])).toMatchObject({ code: 0 })
    expect(await programs.run(['apt-get', ...options, 'download', 'demo'])).toMatchObject({ code: 0 })
    const { out } = await programs.run(['dpkg-deb', '--fsys-tarfile', 'demo_1.0_all.deb'])
    expect(out).toContain(WORDS)
    expect(hosts()).toEqual(['allow debian.test'])
  })

  it.skipIf(missing !== undefined)('git clones, and a push is refused in words', async () => {
    const cloned = await programs.run(['git', 'clone', '-q', 'https://git.test/repo.git', 'clone'])
    expect(cloned).toMatchObject({ code: 0 })
    expect(read('clone', 'words.txt')).toBe(WORDS)
    expect(hosts()).toEqual(['allow git.test'])
    const pushed = await programs.run(['git', '-C', 'clone', 'push', 'origin', 'main:other'])
    expect(pushed.code).not.toBe(0)
    expect(pushed.err).toMatch(/rule git-push/)
    expect(hosts()).toEqual(['git-push git.test'])
  })
})
