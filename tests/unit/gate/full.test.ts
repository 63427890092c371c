/** The folder of the gate has an end: a remote that does not fit is refused in words, and takes nothing from the others. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inLab } from './lab.ts'
import { noSshd } from './sshd.ts'

const MIB = 1024 * 1024
const reason = noSshd ?? whyNoMount()
if (reason !== undefined) process.stdout.write(`a full gate: skipped, ${reason}\n`)

function whyNoMount(): string | undefined {
  const place = mkdtempSync('/tmp/bb-mount-')
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place])
  if (status === 0) execFileSync('umount', [place])
  rmdirSync(place)
  return status === 0 ? undefined : 'a file system of a few megabytes cannot be mounted here'
}

test.skipIf(reason !== undefined)(
  'a mirror that does not fit is refused in words, leaves nothing behind, and fits again once the upstream is smaller',
  () =>
    inLab({}, async (lab) => {
      const work = join(lab.folder, 'w')
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${6 * MIB}`, 'tmpfs', work])
      try {
        expect(await lab.clone()).toMatchObject({ code: 0 })
        writeFileSync(join(lab.folder, 'big'), randomBytes(12 * MIB))
        const blob = await lab.up('hash-object', '-w', join(lab.folder, 'big'))
        await lab.up('update-ref', 'refs/tags/big', blob)
        const refused = await lab.git('fetch', 'origin')
        expect(refused.code).not.toBe(0)
        expect(refused.err).toContain(
          'remote: bot-bottle: what the upstream has does not fit into the memory',
        )
        const { bavail, bsize } = statfsSync(work)
        expect(bavail * bsize).toBeGreaterThan(5 * MIB)
        await lab.up('update-ref', '-d', 'refs/tags/big')
        expect(await lab.git('fetch', 'origin')).toMatchObject({ code: 0 })
      } finally {
        execFileSync('umount', ['--lazy', work])
      }
    }),
)
