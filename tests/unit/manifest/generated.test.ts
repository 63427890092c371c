import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generate } from '../../../scripts/generate.ts'

const root = join(import.meta.dirname, '../../..')
const schema = JSON.parse(readFileSync(join(root, 'schema/manifest.v1.json'), 'utf8')) as Schema

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly $ref?: string
  readonly type?: string
  readonly additionalProperties?: unknown
}

describe('what is generated from the schema', () => {
  it('is what is checked in; else run node scripts/generate.ts', async () => {
    for (const [path, content] of await generate())
      expect(readFileSync(join(root, path), 'utf8'), path).toBe(content)
  })

  it('loads nothing at run time', () => {
    const validators = globSync('src/**/*.generated.js', { cwd: root })
    expect(validators.length).toBeGreaterThan(2)
    for (const path of validators)
      expect(readFileSync(join(root, path), 'utf8'), path).not.toMatch(/\brequire\(|^import /m)
  })
})

describe('the schema', () => {
  it('describes every key for editors', () => {
    const silent = Object.entries({ ...schema.$defs, '#': schema }).flatMap(([name, { properties }]) =>
      Object.entries(properties ?? {}).flatMap(([key, property]) => {
        const target = property.$ref?.split('/').pop()
        const described =
          property.description ?? (target === undefined ? undefined : schema.$defs?.[target]?.description)
        return described === undefined ? [`${name}.${key}`] : []
      }),
    )
    expect(silent).toEqual([])
  })

  it('knows every key or none', () => {
    const open = Object.entries(schema.$defs ?? {}).filter(
      ([, one]) => one.properties !== undefined && one.additionalProperties !== false,
    )
    expect(open.map(([name]) => name)).toEqual([])
  })
})
