import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { requireNode } from '../../../src/cli/node-version.ts'

const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'))

it('an older Node than the package asks for is refused by its version', () => {
  const least = Number(String(engines.node).replace('>=', ''))
  expect(() => requireNode(`${least}.0.0`)).not.toThrow()
  expect(() => requireNode(`${least + 2}.1.0`)).not.toThrow()
  expect(() => requireNode(`${least - 1}.9.9`)).toThrow(
    `bot-bottle needs Node ${least} or newer, and runs on ${least - 1}.9.9`,
  )
})
