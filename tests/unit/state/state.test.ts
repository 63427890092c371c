import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { fingerprintOf } from '../../../src/model/x509.ts'
import { openDatabase } from '../../../src/state/database.ts'
import { engineFolder, openHome, stackFolder } from '../../../src/state/home.ts'
import { openJournal } from '../../../src/state/journal.ts'
import { MIGRATIONS } from '../../../src/state/migrations.ts'
import { openRecords } from '../../../src/state/records.ts'
import { openRoots } from '../../../src/state/roots.ts'

const AT = '2026-11-21T12:00:00.000Z'
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bb-state-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const home = () => openHome({ env: {}, stateDir: join(dir, 'home') })
const of = () => ({ home: home(), engineId: 'engine', stack: 'acme' })
const database = (migrations = MIGRATIONS, program = '0.1.0') =>
  openDatabase({ ...of(), program, now: () => AT, migrations })
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('the home', () => {
  it('is --state-dir, else BOT_BOTTLE_HOME, else ~/.bot-bottle, made for its owner alone', () => {
    const env = { BOT_BOTTLE_HOME: join(dir, 'named'), HOME: dir }
    expect(openHome({ env, stateDir: join(dir, 'given') }).dir).toBe(join(dir, 'given'))
    expect(openHome({ env }).dir).toBe(join(dir, 'named'))
    expect(openHome({ env: { HOME: dir } }).dir).toBe(join(dir, '.bot-bottle'))
    for (const name of ['given', 'named', '.bot-bottle']) expect(mode(join(dir, name))).toBe('700')
    expect(() => openHome({ env: {} })).toThrow(expect.objectContaining({ code: 'no-home', exit: 2 }))
  })

  it('has one installation id for life', () => {
    const first = home().installation
    expect(first).toMatch(/^[0-9a-f]{16}$/)
    expect(home().installation).toBe(first)
    expect(mode(join(dir, 'home', 'installation'))).toBe('600')
    writeFileSync(join(dir, 'home', 'installation'), 'nonsense')
    expect(home).toThrow(expect.objectContaining({ code: 'installation-damaged' }))
  })

  it('gets one id also when several processes begin at once', async () => {
    const script = `import { openHome } from ${JSON.stringify(join(import.meta.dirname, '../../../src/state/home.ts'))}
      process.stdout.write(openHome({ env: {}, stateDir: process.argv[1] }).installation)`
    const args = ['--input-type=module', '-e', script, join(dir, 'home')]
    const begin = async () => (await promisify(execFile)(process.execPath, args)).stdout
    expect(new Set(await Promise.all([begin(), begin(), begin()])).size).toBe(1)
  })

  it('is refused when others can look in, when it is a link, and when it is somebody else’s', () => {
    mkdirSync(join(dir, 'home'), { mode: 0o755 })
    chmodSync(join(dir, 'home'), 0o755)
    expect(home).toThrow(
      expect.objectContaining({
        code: 'state-folder-unsafe',
        exit: 5,
        hint: `chmod 700 ${join(dir, 'home')}`,
      }),
    )
    rmSync(join(dir, 'home'), { recursive: true })
    mkdirSync(join(dir, 'real'), { mode: 0o700 })
    symlinkSync(join(dir, 'real'), join(dir, 'home'))
    expect(home).toThrow(expect.objectContaining({ code: 'state-folder-unsafe' }))
    if (process.getuid?.() !== 0) return
    rmSync(join(dir, 'home'))
    mkdirSync(join(dir, 'home'), { mode: 0o700 })
    chownSync(join(dir, 'home'), 12_345, 12_345)
    expect(home).toThrow(expect.objectContaining({ code: 'state-folder-unsafe' }))
  })

  it('says so where no folder can be made, instead of trying for ever', () => {
    expect(() => openHome({ env: {}, stateDir: '/proc/nowhere/below' })).toThrow(
      expect.objectContaining({ code: 'state-unwritable' }),
    )
  })

  it('gives every engine id a folder name of its own', () => {
    const ids = ['plain', '7TJD:X2', '7TJD-X2', '/var/lib/smolvm', '../up', '']
    const names = ids.map(engineFolder)
    expect(new Set(names).size).toBe(ids.length)
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(mode(stackFolder(home(), '../up', 'acme'))).toBe('700')
  })
})

describe('the journal', () => {
  const operation = { address: address.bundle('dev'), verb: 'create', driver: 'memory' } as const

  it('keeps a row that began and never ended, for whoever opens it next', () => {
    const first = database()
    const journal = openJournal(first)
    const done = journal.begin('run', operation, AT)
    journal.begin('run', { ...operation, address: address.bundle('other') }, AT)
    journal.end(done, { outcome: 'done', objectId: 'x' }, AT)
    first.close()
    const again = database()
    expect(openJournal(again).pending()).toMatchObject([
      { address: 'bundle/other', verb: 'create', beganAt: AT },
    ])
    openJournal(again).settle(AT)
    expect(openJournal(again).pending()).toEqual([])
    again.close()
  })

  it('is durable: write-ahead log, every commit synced', () => {
    const open = database()
    expect(open.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    expect(open.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
    expect(mode(join(stackFolder(home(), 'engine', 'acme'), 'state.sqlite'))).toBe('600')
    open.close()
  })

  it('says in words that the disk is full, or that it may not write', () => {
    const open = database()
    const journal = openJournal(open)
    const pages = Number(open.prepare('PRAGMA page_count').get()!['page_count'])
    open.exec(`PRAGMA max_page_count = ${pages}`)
    const fill = () => {
      for (let row = 0; row < 1_000; row += 1)
        journal.begin('run', { ...operation, digest: 'd'.repeat(999) }, AT)
    }
    expect(fill).toThrow(
      expect.objectContaining({
        code: 'journal-unwritable',
        message: expect.stringContaining('the disk is full'),
      }),
    )
    open.exec('PRAGMA query_only = ON')
    expect(() => journal.begin('run', operation, AT)).toThrow(
      expect.objectContaining({ code: 'journal-unwritable' }),
    )
    open.close()
  })

  it('is read leniently: a row nobody understands stops nothing', () => {
    const open = database()
    open.exec(
      `INSERT INTO operations (run, address, verb, driver, began_at) VALUES ('', 'alien/x', 'conjure', 'void', 'yesterday')`,
    )
    expect(openJournal(open).pending()).toMatchObject([{ address: 'alien/x', verb: 'conjure' }])
    open.exec(
      `INSERT INTO applied (address, digest, digest_version, value, at) VALUES ('x', 'd', 1, '{not json', '')`,
    )
    expect(openRecords(open).all()).toEqual([])
    open.close()
  })
})

describe('what was applied last', () => {
  it('is one value per address, replaced and forgotten', () => {
    const open = database()
    const records = openRecords(open)
    const entry = { address: address.bottle('dev'), digest: 'd1', digestVersion: 1, value: { cpus: 1 } }
    records.put({ ...entry, objectId: 'x' }, AT)
    records.put({ ...entry, digest: 'd2' }, AT)
    expect(records.all()).toEqual([{ ...entry, digest: 'd2' }])
    records.remove(entry.address)
    expect(records.all()).toEqual([])
    open.close()
  })
})

describe('the schema', () => {
  it('of a newer program is refused with both versions named, and nothing is changed', () => {
    const future = [
      ...MIGRATIONS,
      { version: 7, sql: 'CREATE TABLE later (x) STRICT'.replace('(x)', '(x TEXT)') },
    ]
    database(future, '9.0.0').close()
    expect(() => database()).toThrow(
      expect.objectContaining({
        code: 'state-newer',
        exit: 5,
        message: expect.stringMatching(/version 7.*0\.1\.0 knows versions up to 1/),
      }),
    )
    database(future, '9.0.0').close()
  })

  it('is brought forward step by step, each step with a row, all of it or nothing', () => {
    database().close()
    const broken = [...MIGRATIONS, { version: 2, sql: 'CREATE TABLE half (x TEXT) STRICT; NONSENSE' }]
    expect(() => database(broken)).toThrow(expect.objectContaining({ code: 'journal-unwritable' }))
    const open = database([...MIGRATIONS, { version: 2, sql: 'CREATE TABLE half (x TEXT) STRICT' }], '0.2.0')
    expect(open.prepare('SELECT version, program FROM migrations').all()).toEqual([
      { version: 1, program: '0.1.0' },
      { version: 2, program: '0.2.0' },
    ])
    open.close()
  })

  it('is not looked for in a file that is no database', () => {
    writeFileSync(join(stackFolder(home(), 'engine', 'acme'), 'state.sqlite'), 'x'.repeat(5_000), {
      mode: 0o600,
    })
    expect(() => database()).toThrow(
      expect.objectContaining({ message: expect.stringContaining('not a database') }),
    )
  })

  it('of every released version opens', () => {
    const folder = join(import.meta.dirname, 'released')
    for (const name of readdirSync(folder)) {
      const path = join(stackFolder(home(), 'engine', 'acme'), 'state.sqlite')
      rmSync(path, { force: true })
      const old = new DatabaseSync(path)
      old.exec(readFileSync(join(folder, name), 'utf8'))
      old.close()
      const open = database()
      expect(openJournal(open).rows().length, name).toBeGreaterThan(0)
      expect(openRecords(open).all().length, name).toBeGreaterThan(0)
      open.close()
    }
  })
})

describe('the root of a bottle', () => {
  const roots = () => openRoots(of())

  it('is kept whole in one file of its own, readable by its owner alone', () => {
    const made = roots().create('dev', 30, AT)
    const path = join(stackFolder(home(), 'engine', 'acme'), 'keys', 'root-dev.pem')
    expect(mode(path)).toBe('600')
    expect(fingerprintOf(roots().rootOf('dev')!.certificate)).toBe(made.fingerprint)
    expect(roots().rootStates()).toEqual([made])
    expect(made.notAfter).toBe('2026-12-21T12:00:00.000Z')
  })

  it('is replaced as a whole, and removed without asking whether it is there', () => {
    const first = roots().create('dev', 30, AT)
    expect(roots().create('dev', 30, AT).fingerprint).not.toBe(first.fingerprint)
    expect(roots().rootStates()).toHaveLength(1)
    roots().remove('dev')
    roots().remove('dev')
    expect(roots().rootStates()).toEqual([])
  })

  it('counts as lost when certificate and key do not belong together, or when half of it is there', () => {
    const path = (bottle: string) => join(stackFolder(home(), 'engine', 'acme'), 'keys', `root-${bottle}.pem`)
    for (const bottle of ['a', 'b', 'c', 'd']) roots().create(bottle, 30, AT)
    const [a, b] = [readFileSync(path('a'), 'utf8'), readFileSync(path('b'), 'utf8')]
    const cut = (text: string) => text.indexOf('-----BEGIN PRIVATE')
    writeFileSync(path('a'), a.slice(0, cut(a)) + b.slice(cut(b)))
    writeFileSync(path('b'), b.slice(0, cut(b)))
    writeFileSync(path('c'), '')
    expect(
      roots()
        .rootStates()
        .map(({ bottle }) => bottle),
    ).toEqual(['d'])
  })

  it('is refused when others can read its key', () => {
    roots().create('dev', 30, AT)
    chmodSync(join(stackFolder(home(), 'engine', 'acme'), 'keys', 'root-dev.pem'), 0o644)
    expect(() => roots().rootOf('dev')).toThrow(expect.objectContaining({ code: 'state-file-unsafe' }))
  })
})
