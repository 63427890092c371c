import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { KNOWN, raw, SECRET, upstreamRefs } from './cases/case.ts'
import { inLab } from './lab.ts'
import type { Lab } from './lab.ts'
import { noSshd } from './sshd.ts'

if (noSshd !== undefined) process.stdout.write(`packs for the git gate: skipped, ${noSshd}\n`)

const TYPE = { commit: 1, tree: 2, blob: 3, offset: 6 } as const
const DEPTH = 100_000

const oidOf = (type: string, content: Buffer): string =>
  createHash('sha1').update(`${type} ${content.length}\0`).update(content).digest('hex')

/** Type and size as the head of an entry has them (gitformat-pack). */
function entryHead(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)]
  for (let rest = size >>> 4; rest > 0; rest >>>= 7) {
    bytes[bytes.length - 1]! |= 0x80
    bytes.push(rest & 0x7f)
  }
  return Buffer.from(bytes)
}

/** How far before this entry its base begins. */
function distance(bytes: number): Buffer {
  const digits = [bytes & 0x7f]
  for (let rest = bytes >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (--rest & 0x7f))
  return Buffer.from(digits)
}

/** A blob, and so many more, each made of the one before; a commit whose tree has the last one. */
function chainPack(depth: number, last: string): { readonly pack: Buffer; readonly commit: string } {
  const head = Buffer.alloc(12)
  head.write('PACK')
  head.writeUInt32BE(2, 4)
  head.writeUInt32BE(depth + 3, 8)
  const whole = (type: number, content: Buffer): Buffer =>
    Buffer.concat([entryHead(type, content.length), deflateSync(content)])
  const numbered = (at: number): Buffer =>
    Buffer.from(at === depth ? last : `number ${String(at).padStart(8, '0')}`)
  const parts = [head, whole(TYPE.blob, numbered(0))]
  for (let at = 1; at <= depth; at++) {
    const [base, content] = [numbered(at - 1), numbered(at)]
    // One byte of the base, so that it is needed, then the rest as it is.
    const rest = content.subarray(1)
    const delta = Buffer.concat([Buffer.of(base.length, content.length, 0b1001_0000, 1, rest.length), rest])
    const before = parts.at(-1)?.length ?? 0
    parts.push(Buffer.concat([entryHead(TYPE.offset, delta.length), distance(before), deflateSync(delta, { level: 1 })])) // prettier-ignore
  }
  const entry = Buffer.concat([
    Buffer.from('100644 a.txt\0'),
    Buffer.from(oidOf('blob', numbered(depth)), 'hex'),
  ])
  const who = 'Agent <agent@bottle.test> 1700000000 +0000'
  const commit = Buffer.from(`tree ${oidOf('tree', entry)}\nauthor ${who}\ncommitter ${who}\n\ndeep\n`)
  parts.push(whole(TYPE.tree, entry), whole(TYPE.commit, commit))
  const pack = Buffer.concat(parts)
  return {
    pack: Buffer.concat([pack, createHash('sha1').update(pack).digest()]),
    commit: oidOf('commit', commit),
  }
}

/** As a client does, but with a pack that no client makes. */
function pushRaw(lab: Lab, commit: string, pack: Buffer): Promise<string> {
  const line = `${'0'.repeat(40)} ${commit} refs/heads/agent/x\0report-status`
  const body = Buffer.concat([
    Buffer.from(`${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`, 'latin1'),
    pack,
  ])
  const head = [
    'POST /origin.git/git-receive-pack HTTP/1.1',
    'Host: gate',
    'Content-Type: application/x-git-receive-pack-request',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ]
  return raw(lab, `${head.join('\r\n')}\r\n\r\n${body.toString('latin1')}`)
}

describe.skipIf(noSshd !== undefined)('a pack of 100,000 differences, one made of the other', () => {
  test(
    'is read to its end, fetches go on meanwhile, and the next push is none the worse',
    () =>
      inLab({ config: { known: KNOWN } }, async (lab) => {
        await lab.clone()
        const before = await upstreamRefs(lab)
        const { pack, commit } = chainPack(DEPTH, `number ${SECRET}`)
        const pushed = pushRaw(lab, commit, pack)
        expect((await lab.git('fetch')).code).toBe(0)
        expect(await pushed).toContain('ng refs/heads/agent/x bot-bottle: secret found')
        expect(await upstreamRefs(lab)).toBe(before)
        await lab.commit({ 'a.txt': 'a' })
        expect((await lab.push()).code).toBe(0)
      }),
    120_000,
  )
})
