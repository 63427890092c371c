import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const LAUNCHER = join(import.meta.dirname, '../../../bin/bot-bottle')

it('a checkout whose dependencies are not installed says so, and how to install them', () => {
  const checkout = mkdtempSync(join(tmpdir(), 'bb-launcher-'))
  try {
    mkdirSync(join(checkout, 'src/cli'), { recursive: true })
    writeFileSync(join(checkout, 'src/cli/main.ts'), '')
    cpSync(LAUNCHER, join(checkout, 'bin/bot-bottle'))
    const { status, stdout, stderr } = spawnSync(join(checkout, 'bin/bot-bottle'), ['status'], {
      encoding: 'utf8',
    })
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toBe(
      `error this checkout of bot-bottle has no dependencies yet\n  hint: npm ci --prefix ${checkout}/bin/..\n`,
    )
  } finally {
    rmSync(checkout, { recursive: true })
  }
})
