import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { startWorld } from '../uplink/world.ts'

/** Inodes of the sockets that a process holds. */
function socketsOf(pid: number): ReadonlySet<string> {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
}

/** Inodes of one table of the kernel, in its column; of a TCP table only listeners. */
function inodes(table: string, column: number, isWanted: (fields: readonly string[]) => boolean): string[] {
  const lines = readFileSync(`/proc/net/${table}`, 'utf8').trim().split('\n').slice(1)
  const rows = lines.map((line) => line.trim().split(/\s+/)).filter(isWanted)
  return rows.map((fields) => fields[column] ?? '')
}

describe.runIf(process.platform === 'linux')('the uplink as a process', () => {
  it('(NET-06) (NET-18) listens on its two Unix sockets and on no port', async () => {
    const world = await startWorld()
    try {
      const own = socketsOf(world.pid)
      const held = (list: readonly string[]) => list.filter((inode) => own.has(inode))
      const unix = inodes('unix', 6, (fields) => fields[3] === '00010000' && fields[7] !== undefined)
      expect(held(unix), 'control: its listeners are found').toHaveLength(2)
      for (const table of ['tcp', 'tcp6'])
        expect(held(inodes(table, 9, (fields) => fields[3] === '0A')), table).toEqual([])
      for (const table of ['udp', 'udp6']) expect(held(inodes(table, 9, () => true)), table).toEqual([])
    } finally {
      await world.close()
    }
  })
})
