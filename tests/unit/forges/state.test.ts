/** Pairs and rows in the state folder. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { address } from '../../../src/model/address.ts'
import { parseKeyTitle } from '../../../src/model/deploy-key.ts'
import type { WantedKey } from '../../../src/model/key-row.ts'
import { publicKeyOf } from '../../../src/model/ssh-key.ts'
import { openDeployKeys } from '../../../src/state/deploy-keys.ts'
import { openHome, stackFolder } from '../../../src/state/home.ts'

const AT = '2026-11-21T12:00:00.000Z'
const LATER = '2026-11-21T13:00:00.000Z'
const WANTED: WantedKey = {
  address: address.key('dev', 'origin'),
  provider: 'gitea',
  api: 'https://gitea.acme.example/api/v1',
  repository: 'acme/app',
  readOnly: false,
  tokenRef: { from: 'env', name: 'GITEA_TOKEN' },
  allowPrivate: false,
  trust: ['PEM'],
}
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bb-keys-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const home = () => openHome({ env: {}, stateDir: join(dir, 'home') })
const open = () => openDeployKeys({ home: home(), engineId: 'engine', stack: 'acme' })
const folder = () => join(stackFolder(home(), 'engine', 'acme'), 'keys')
const fileOf = (id: string) => join(folder(), `deploy-${id}.json`)

describe('a deploy key in the state folder', () => {
  it('is there as a whole before anybody hears of it: pair, title, and how its forge is reached', () => {
    const row = open().begin(WANTED, AT)
    expect(row).toMatchObject({ ...WANTED, begunAt: AT })
    expect(row.ended).toBeUndefined()
    expect(parseKeyTitle(row.title)).toEqual({
      installation: home().installation,
      stack: 'acme',
      address: WANTED.address,
      id: row.id,
    })
    expect(open().rows()).toEqual({ rows: [row], damaged: [] })
    const secret = open().privateKey(row.id)
    expect(secret && publicKeyOf(secret)).toBe(row.publicKey)
    expect((statSync(fileOf(row.id)).mode & 0o777).toString(8)).toBe('600')
    expect((statSync(folder()).mode & 0o777).toString(8)).toBe('700')
  })

  it('keeps every reference to a token, and of no row the private half or a token', () => {
    const keys = open()
    for (const tokenRef of [
      { from: 'env', name: 'A' },
      { from: 'file', path: '/run/token' },
      { from: 'command', argv: ['op', 'read', 'op://x'] },
      { from: 'ask', for: 'the token of gitea' },
    ] as const)
      expect(keys.begin({ ...WANTED, tokenRef }, AT).tokenRef).toEqual(tokenRef)
    const shown = `${inspect(keys.rows(), { depth: 9 })}${JSON.stringify(keys.rows())}`
    expect(shown).not.toContain('PRIVATE KEY')
    expect(shown).not.toContain('privateKey')
  })

  it('ends, is retired and is forgotten, each once and each as often as it is said', () => {
    const { id } = open().begin(WANTED, AT)
    for (const now of [AT, LATER]) expect(open().end(id, '7', now).ended).toEqual({ at: AT, forgeId: '7' })
    for (const now of [AT, LATER]) expect(open().retire(id, now).retiredAt).toBe(AT)
    expect(open().rows().rows).toMatchObject([{ id, ended: { forgeId: '7' }, retiredAt: AT }])
    for (const _ of [1, 2]) open().forget(id)
    expect(open().rows()).toEqual({ rows: [], damaged: [] })
    expect(open().privateKey(id)).toBeUndefined()
    expect(readdirSync(folder())).toEqual([])
    expect(() => open().end(id, '7', AT)).toThrow(expect.objectContaining({ code: 'key-missing' }))
  })

  it('that is not whole is told, never taken for another or for none', () => {
    const { id } = open().begin(WANTED, AT)
    const other = open().begin(WANTED, AT)
    const good = readFileSync(fileOf(id), 'utf8')
    const otherKey = JSON.parse(readFileSync(fileOf(other.id), 'utf8')) as {
      privateKey: string
      publicKey: string
    }
    const changed = (change: object) => JSON.stringify({ ...(JSON.parse(good) as object), ...change })
    for (const content of [
      '',
      'null',
      good.slice(0, good.length / 2),
      changed({ id: other.id }),
      changed({ privateKey: otherKey.privateKey }),
      changed({ publicKey: otherKey.publicKey }),
      changed({ address: 'route/dev/a.example' }),
      changed({ repository: 7 }),
      changed({ readOnly: 'no' }),
      changed({ tokenRef: { from: 'elsewhere' } }),
    ]) {
      writeFileSync(fileOf(id), content)
      expect([content, open().rows()]).toEqual([content, { rows: [other], damaged: [id] }])
      expect(open().privateKey(id)).toBeUndefined()
    }
    writeFileSync(fileOf(id), good)
    expect(open().rows().damaged).toEqual([])
  })

  it('that others could read is refused', () => {
    const { id } = open().begin(WANTED, AT)
    chmodSync(fileOf(id), 0o644)
    expect(() => open().rows()).toThrow(expect.objectContaining({ code: 'state-file-unsafe' }))
  })
})
