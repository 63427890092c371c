import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Address } from '../../../src/model/address.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { sidecarsImage } from '../../../src/drivers/docker/index.ts'
import { seccompOption } from '../../../src/drivers/docker/seccomp/profile.ts'
import { docker, labStack } from '../docker/stack.ts'
import { ran } from './whole.ts'

const BATTERY = join(import.meta.dirname, '../../guest/battery.sh')
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bb-helper-'))
  const stack = await labStack()
  await stack.perform('image/sidecars' as Address)
  const { tag } = await sidecarsImage()
  const made = docker('create', tag)
  docker('cp', `${made}:/bb/tools/guest`, join(folder, 'guest'))
  docker('rm', made)
  writeFileSync(join(folder, 'seccomp.json'), seccompOption('agent').replace(/^seccomp=/, ''))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('the static helper holds alone: init, attach, relay, trees, trust, probes, in an ordinary image and one from scratch', async () => {
  const { code, out, err } = await ran([BATTERY, join(folder, 'guest'), join(folder, 'seccomp.json')], {
    env: { ...process.env, BASE_IMAGE: baseImage().tag },
  })
  const lines = out.split('\n')
  expect(
    lines.filter((line) => line.startsWith('not ok')),
    out + err,
  ).toEqual([])
  expect([code, lines.filter((line) => line.startsWith('ok ')).length]).toEqual([0, 39])
  expect(execFileSync('docker', ['ps', '-aq', '--filter', 'name=guestlab_'], { encoding: 'utf8' })).toBe('')
})
