import { describe, expect, it } from 'vitest'
import { createShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { knownMarks } from '../../../src/model/known.ts'
import { digestOf } from '../../../src/model/json.ts'
import { loadText } from './loading.ts'

const manifest = (more = '') => `version: 1
stack: acme
bottles:
  base: { template: true, env: { TOKEN: { env: NPM, placeholder: true }, AGAIN: { env: NPM, placeholder: true }${more} } }
  one: { extends: base, egress: { routes: [{ host: npm.test, matches: [{ methods: [GET], paths: [{ prefix: / }] }], auth: { scheme: bearer, token_ref: NPM } }] } }
  two: { extends: base }
`
const env = { HOME: '/home/dev', NPM: 'the-value-itself' }

async function environments(text: string, over: Parameters<typeof loadText>[1] = {}) {
  const loaded = await loadText(text, { env, ...over })
  const of = (bottle: string) => Object.fromEntries(loaded.environment(bottle))
  return { loaded, one: of('one'), two: of('two') }
}

const canaryIn = (environment: Record<string, string>) =>
  Object.entries(environment).filter(([name]) => name !== 'TOKEN' && name !== 'AGAIN')

describe('a placeholder', () => {
  it('is one text for one variable of the host, another in each bottle, and not the value', async () => {
    const { one, two } = await environments(manifest())
    expect(one['TOKEN']).toMatch(/^bot_bottle_placeholder_[0-9a-f]{32}$/)
    expect(one['AGAIN']).toBe(one['TOKEN'])
    expect(two['TOKEN']).not.toBe(one['TOKEN'])
    expect(JSON.stringify([one, two])).not.toContain('the-value-itself')
  })

  it('stays the same whatever else changes, and is another one in another installation', async () => {
    const { one } = await environments(manifest())
    const edited = await environments(manifest(', CI: "1"').replace('npm.test', 'other.test'))
    expect(edited.one['TOKEN']).toBe(one['TOKEN'])
    const elsewhere = await environments(manifest(), { derived: (...words) => digestOf(['other', words]) })
    expect(elsewhere.one['TOKEN']).not.toBe(one['TOKEN'])
  })

  it('that no route takes is warned about', async () => {
    const { loaded } = await environments(manifest())
    expect(loaded.desired.warnings.map(({ code }) => code)).toEqual([
      'placeholder-without-route',
      'placeholder-without-route',
    ])
  })
})

describe('the canary', () => {
  it('is one variable more in each bottle, with another value, and of no kind of token', async () => {
    const { one, two } = await environments(manifest())
    const [[name, value] = ['', ''], ...others] = canaryIn(one)
    expect(others).toEqual([])
    expect(name).toMatch(/^[A-Z]+_[A-Z]+_(KEY|TOKEN)$/)
    expect(value).toMatch(/^[A-Za-z0-9]{32}$/)
    expect(canaryIn(two)[0]?.[1]).not.toBe(value)
    expect(createShapeScanner().scan(Buffer.from(`${name}=${value}`)).hits).toEqual([])
  })

  it('keeps its value and makes room for a variable of its name', async () => {
    const [before] = canaryIn((await environments(manifest())).one)
    const { one } = await environments(manifest(`, ${before?.[0]}: mine`))
    expect(one[before?.[0] ?? '']).toBe('mine')
    expect(Object.values(one)).toContain(before?.[1])
  })
})

it('what egress is to know of them is compared by digests', async () => {
  const { loaded } = await environments(manifest())
  const bundle = loaded.desired.resources.find(({ address }) => address === 'bundle/one')
  const knows = knownMarks(loaded.marks('one') ?? {})
  expect(bundle?.spec).toMatchObject({ knows })
  expect(Object.keys(knows)).toEqual(['canary', 'placeholder/env:NPM'])
  const everything = JSON.stringify(loaded.desired)
  for (const value of loaded.environment('one').values()) expect(everything).not.toContain(value)
})
