import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { controls } from '../../../sidecars/uplink/controls.ts'
import { openRecord, type Disk } from '../../../sidecars/uplink/record.ts'
import type { StackRecord } from '../../../src/model/record.ts'
import { startWorld } from './world.ts'

const record = (revision: number, fields: Partial<StackRecord> = {}): StackRecord => ({
  version: 1,
  revision,
  stack: 'acme',
  installation: 'installation-1',
  origin: '/home/me/bottles.yaml',
  objects: { 'route/impl/api.test:443': { digest: 'd', digestVersion: 1, applied: { host: 'api.test' } } },
  bottles: { impl: { label: 'Impl', stopped: true } },
  ...fields,
})

const folders: string[] = []
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'record-'))
  folders.push(made)
  return made
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true })
})

/** A disk that loses at `crash` what was not synced: a file's bytes and a folder's names apart. */
function forgetfulDisk(): Disk & { crash(): void } {
  let names = new Map<string, { text: string; synced: boolean }>()
  let durable = new Map(names)
  return {
    read(path) {
      const file = names.get(path)
      if (file === undefined) throw Object.assign(new Error('no file'), { code: 'ENOENT' })
      return file.text
    },
    write: (path, text) => void names.set(path, { text, synced: false }),
    rename(from, to) {
      const file = names.get(from)
      if (file === undefined) throw new Error('no file')
      names.delete(from)
      names.set(to, file)
    },
    sync(path) {
      const file = names.get(path)
      if (file !== undefined) file.synced = true
      else if ([...names.keys()].some((name) => dirname(name) === path)) durable = new Map(names)
    },
    remove: (path) => void names.delete(path),
    crash() {
      names = new Map(
        [...durable].map(([name, file]) => [name, file.synced ? file : { text: '', synced: true }]),
      )
    },
  }
}

describe('the stack record', () => {
  it('survives a kill, and only its successor replaces it', async () => {
    const volume = folder()
    const first = await startWorld({ volume })
    expect(await first.ask({ op: 'record', record: record(7) })).toMatchObject({ ok: true })
    await first.kill('SIGKILL')
    const second = await startWorld({ volume })
    try {
      expect((await second.status()).record).toEqual(record(7))
      for (const revision of [6, 7, 9]) {
        expect(await second.ask({ op: 'record', record: record(revision) })).toMatchObject({
          ok: false,
          code: 'record-conflict',
        })
      }
      expect(await second.ask({ op: 'record', record: record(8, { stack: 'other' }) })).toMatchObject({
        code: 'record-conflict',
      })
      expect(await second.ask({ op: 'record', record: record(8) })).toMatchObject({ ok: true })
      expect((await second.status()).record?.revision).toBe(8)
    } finally {
      await second.close()
      await first.close()
    }
  })

  it.each([
    ['cut off', '{"version":1,'],
    ['empty', ''],
    ['of a newer version', JSON.stringify({ ...record(1), version: 2 })],
    ['of another stack', JSON.stringify(record(1, { stack: 'other' }))],
    ['with a field that is not known', JSON.stringify({ ...record(1), surprise: true })],
  ])('that is %s is unknown, is kept, and is not written over', async (_, text) => {
    const volume = folder()
    writeFileSync(join(volume, 'record.json'), text)
    const world = await startWorld({ volume })
    try {
      const status = await world.status()
      expect(status.record).toBeUndefined()
      expect(status.recordError).toContain('record.json')
      expect(await world.ask({ op: 'record', record: record(2) })).toMatchObject({
        ok: false,
        code: 'record-unknown',
      })
      expect(readFileSync(join(volume, 'record.json'), 'utf8')).toBe(text)
    } finally {
      await world.close()
    }
  })

  it('that was never stored is absent, without an error', async () => {
    const world = await startWorld()
    try {
      const status = await world.status()
      expect(status.record).toBeUndefined()
      expect(status.recordError).toBeUndefined()
    } finally {
      await world.close()
    }
  })

  const survivesPowerLoss = (): void => {
    const disk = forgetfulDisk()
    const path = '/up/record.json'
    openRecord(path, 'acme', disk).store(record(1))
    openRecord(path, 'acme', disk).store(record(2))
    disk.crash()
    expect(openRecord(path, 'acme', disk).record).toEqual(record(2))
  }
  it('is on the disk when it is acknowledged', survivesPowerLoss)
  it('record-fsync: without the protection that case fails', () => {
    controls.off('record-fsync')
    expect(survivesPowerLoss).toThrow()
    controls.restore()
  })
  it('record-order: without the protection an older revision replaces a newer one', async () => {
    const world = await startWorld({ off: ['record-order'] })
    try {
      await world.ask({ op: 'record', record: record(7) })
      expect(await world.ask({ op: 'record', record: record(6) })).toMatchObject({ ok: true })
    } finally {
      await world.close()
    }
  })
})
