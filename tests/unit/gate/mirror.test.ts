import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inLab } from './lab.ts'
import type { Lab } from './lab.ts'
import { noSshd } from './sshd.ts'

if (noSshd !== undefined) process.stdout.write(`mirrors of the git gate: skipped, ${noSshd}\n`)

const mirrorOf = (lab: Lab): string => {
  const folder = join(lab.folder, 'w/r1/mirror')
  return join(folder, readdirSync(folder)[0] ?? '')
}
const objectsOf = (lab: Lab): readonly string[] =>
  readdirSync(join(mirrorOf(lab), 'objects'), { recursive: true }).map(String)
const packs = (lab: Lab): number => objectsOf(lab).filter((name) => name.endsWith('.pack')).length

describe.skipIf(noSshd !== undefined)('a mirror', () => {
  test(
    'that nothing changes any more is put in order: few packs, with every object, and a bitmap for clones',
    () =>
      inLab({}, async (lab) => {
        await lab.clone()
        for (let n = 0; n < 4; n++) {
          await lab.commitUp(`up-${n}`, 'main')
          expect((await lab.git('fetch', '-q')).code).toBe(0)
        }
        await lab.commit({ 'a.txt': 'one' })
        expect((await lab.push()).code).toBe(0)
        expect(packs(lab)).toBe(6)
        const hasBitmap = (): boolean => objectsOf(lab).some((name) => name.endsWith('.bitmap'))
        await expect.poll(hasBitmap, { timeout: 60_000 }).toBe(true)
        await expect.poll(() => packs(lab), { timeout: 60_000 }).toBeLessThan(3)
        expect(objectsOf(lab).filter((name) => /^[0-9a-f]{2}\/[0-9a-f]{38}$/.test(name))).toEqual([])
        expect((await lab.run(['clone', '-q', '--bare', lab.url(), 'again.git'], { folder: '.' })).code).toBe(
          0,
        )
        expect((await lab.run(['fsck', '--strict', '--full'], { folder: 'again.git' })).err).toBe('')
        expect((await lab.run(['show-ref', '--heads'], { folder: 'again.git' })).out).toBe(
          `${await lab.up('show-ref', '--heads')}\n`,
        )
        expect((await lab.push('HEAD:refs/heads/agent/y')).code).toBe(0)
      }),
    120_000,
  )
})
