/** The plug-ins of `contrib`, copied out of the repository as a user copies them. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Provider } from '../../../src/model/provider.ts'
import { providerConformance } from '../../conformance/providers.ts'
import { install } from '../../contrib.ts'
import { openProgram } from '../cli/program.ts'

const CONTRIB = join(import.meta.dirname, '../../../contrib')
/** Those that are plug-ins. */
const EXAMPLES = readdirSync(CONTRIB).filter((name) => name.endsWith('-example'))

let program: ReturnType<typeof openProgram>
beforeEach(() => {
  program = openProgram()
})
afterEach(() => program.close())

const copied = (name: string): string => install(join(program.folder, '.bot-bottle'), name)

describe('an example that was copied', () => {
  it.each(EXAMPLES)('is a plug-in that keeps to everything: %s', async (name) => {
    const folder = copied(name)
    const { code, stdout } = await program.run('plugins check')
    expect(stdout).toContain(`${name} ${name.split('-')[0]} 1.0.0\n  ${folder}\n  ✓ `)
    expect([code, stdout.includes('✗')]).toEqual([0, false])
  })

  it.each(EXAMPLES)('fits the types that lie beside it, strictly, wherever it was copied to: %s', (name) => {
    expect(typeErrors(copied(name))).toBe('')
  })

  it('does not fit them when it is wrong', () => {
    const folder = copied('provider-example')
    const module = join(folder, 'index.mjs')
    writeFileSync(module, readFileSync(module, 'utf8').replace("['api_key_ref']", "['password']"))
    expect(typeErrors(folder)).toMatch(/index\.mjs\(\d+,\d+\): error TS2322: .*"password"/)
  })

  it('has the types that the program prints', async () => {
    const { stdout } = await program.run('schema plugin-types')
    expect(readFileSync(join(copied('provider-example'), 'plugin.d.ts'), 'utf8')).toBe(stdout)
  })
})

const { default: provider } = (await import(join(CONTRIB, 'provider-example/index.mjs'))) as {
  readonly default: Provider
}
providerConformance({
  provider,
  settings: { base_url: 'https://llm.acme.example:8443/v1/', model: 'large' },
  dockerfile: true,
})

function typeErrors(folder: string): string {
  try {
    execFileSync(
      join(import.meta.dirname, '../../../node_modules/.bin/tsc'),
      [
        '--noEmit',
        '--strict',
        '--allowJs',
        '--checkJs',
        '--module',
        'nodenext',
        '--target',
        'esnext',
        'index.mjs',
      ],
      { cwd: folder, encoding: 'utf8' },
    )
    return ''
  } catch (error) {
    return String((error as { readonly stdout?: string }).stdout)
  }
}
