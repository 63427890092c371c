import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { canonical } from '../../../src/model/json.ts'
import { ManifestError } from '../../../src/model/errors.ts'
import type { LoadedManifest } from '../../../src/manifest/load.ts'
import { SHAPES } from '../../../src/manifest/keys.generated.ts'
import { FIXTURES, loadText } from './loading.ts'

const RUNS = { numRuns: process.env['CI'] === undefined ? 300 : 1500 }

vi.setConfig({ testTimeout: 120_000 })

/** Loads; a refusal is an answer, anything else thrown is a failure. */
async function outcome(text: string): Promise<LoadedManifest | ManifestError> {
  try {
    return await loadText(text)
  } catch (thrown) {
    if (thrown instanceof ManifestError) return thrown
    throw thrown
  }
}

function expectPlacesInside(result: LoadedManifest | ManifestError, text: string): void {
  const lines = text.replace(/^\ufeff/, '').split('\n')
  const diagnostics = result instanceof ManifestError ? result.diagnostics : result.desired.warnings
  for (const { place } of diagnostics) {
    expect(place.line).toBeGreaterThanOrEqual(1)
    expect(place.line).toBeLessThanOrEqual(lines.length)
    expect(place.column).toBeGreaterThanOrEqual(1)
    expect(place.column).toBeLessThanOrEqual((lines[place.line - 1] ?? '').length + 1)
  }
}

/** Values from the words of the language, so that a run gets past the first check. */
const words = [
  ...new Set(Object.values(SHAPES).flatMap(({ keys }) => keys)),
  'dev',
  'base',
  'ann',
  'origin',
  'A',
  'accept',
]
const leaf = fc.oneof(
  fc.constantFrom(
    'dev',
    'base',
    'a.example',
    '*.b.example',
    '/',
    'GET',
    'T',
    'docker',
    'bearer',
    '${T}',
    '10/s',
    '4GiB',
    '30s',
    'yes',
    '?',
    '',
    'from-agent',
  ),
  fc.constantFrom(1, 0, 443, -1, 1.5, true, false, null),
  fc.string({ maxLength: 12, unit: 'grapheme' }),
)
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...words), tie('tree'), { maxKeys: 5, noNullPrototype: true }),
  ),
}))

describe('whatever is in a file', () => {
  it('any text gives resources or diagnostics with places inside it, and nothing else', async () => {
    const pieces = fc.constantFrom(
      ': ',
      '- ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      '|',
      '>',
      '&a ',
      '*a',
      '!!x ',
      '#',
      '? ',
      '%YAML 1.1\n',
      '---\n',
      '...\n',
      '\t',
      '\r\n',
      '<<',
      'version: 1\n',
      'stack: acme\n',
      'bottles:\n',
      'dev',
      '\u0000',
      '\ufeff',
      '\u2028',
      '1',
      '~',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(pieces, { maxLength: 60 }).map((all) => all.join('')),
    )
    await fc.assert(
      fc.asyncProperty(text, async (some) => {
        expectPlacesInside(await outcome(some), some)
      }),
      RUNS,
    )
  })

  it('any tree of the words of the language gives resources or diagnostics, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(tree, tree, tree, async (bottle, agent, uplink) => {
        const text = stringify(
          {
            version: 1,
            stack: 'acme',
            bottles: { dev: bottle, base: { template: true } },
            ...(agent === null ? {} : { agents: { ann: agent } }),
            uplink,
          },
          { aliasDuplicateObjects: false },
        )
        expectPlacesInside(await outcome(text), text)
      }),
      RUNS,
    )
  })

  it('a good manifest with one line lost or doubled gives resources or diagnostics, and nothing else', async () => {
    const texts = readdirSync(join(FIXTURES, 'good'))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => readFileSync(join(FIXTURES, 'good', name), 'utf8'))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...texts), fc.nat(), fc.boolean(), async (whole, at, lost) => {
        const lines = whole.split('\n')
        const line = at % lines.length
        const text = lines
          .toSpliced(line, 1, ...(lost ? [] : [lines[line] ?? '', lines[line] ?? '']))
          .join('\n')
        expectPlacesInside(await outcome(text), text)
      }),
      { numRuns: RUNS.numRuns / 3 },
    )
  })
})

// ── order ────────────────────────────────────────────────────────────────────────────────────────

type Manifest = { readonly [key: string]: unknown }

const route = fc.record(
  {
    host: fc.constantFrom('a.example', 'b.example', 'c.example', '*.d.example'),
    port: fc.constantFrom(443, 8443),
    matches: fc.array(
      fc.record({
        methods: fc.uniqueArray(fc.constantFrom('GET', 'post'), { minLength: 1 }),
        paths: fc.constant([{ prefix: '/x' }]),
      }),
      { maxLength: 2 },
    ),
    allow_private: fc.boolean(),
  },
  { requiredKeys: ['host'] },
)
const routes = fc.uniqueArray(route, { maxLength: 4, selector: (one) => `${one.host}:${one.port ?? 443}` })
const definition = fc.record(
  {
    label: fc.constantFrom('one', 'two'),
    env: fc.dictionary(fc.constantFrom('A', 'B', 'C'), fc.constantFrom('1', '${T}', 'x y'), {
      noNullPrototype: true,
    }),
    resources: fc.record(
      { cpus: fc.constantFrom(1, 2), pids: fc.constantFrom(64, 128) },
      { requiredKeys: [] },
    ),
    egress: fc.record({ routes, log: fc.constantFrom('none', 'all') }, { requiredKeys: [] }),
    protect: fc.boolean(),
  },
  { requiredKeys: [] },
)
const manifest: fc.Arbitrary<Manifest> = fc
  .record({
    one: definition,
    two: definition,
    dev: definition,
    defaults: definition,
    order: fc.shuffledSubarray(['one', 'two'], { minLength: 1 }),
    agents: fc.boolean(),
  })
  .map(({ one, two, dev, defaults, order, agents }) => ({
    version: 1,
    stack: 'acme',
    defaults,
    bottles: {
      one: { ...one, template: true },
      two: { ...two, ...(order[0] === 'two' ? {} : { extends: 'one' }) },
      dev: { ...dev, extends: order },
    },
    ...(agents ? { agents: { ann: { bottle: 'dev' }, bob: { bottle: ['two', 'dev'], label: 'bob' } } } : {}),
  }))

/** The same value with the keys of every map in another order; lists keep theirs. */
function permuted(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => permuted(item, random))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .map((pair) => ({ pair, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ pair: [key, member] }) => [key, permuted(member, random)]),
  )
}

function withoutPlaces({ desired }: LoadedManifest): string {
  const resources = desired.resources.map(({ places: _, ...resource }) => ({
    ...resource,
    needs: resource.needs.toSorted(),
  }))
  const warnings = desired.warnings.map(({ place: _, ...warning }) => canonical(warning)).sort()
  return canonical({
    ...desired,
    warnings,
    bottles: desired.bottles.toSorted(),
    resources: resources.map(canonical).sort(),
  })
}

describe('the order of keys', () => {
  it('changes nothing that is desired but places', async () => {
    await fc.assert(
      fc.asyncProperty(
        manifest,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        async (original, stream) => {
          const random = (): number => stream.next().value as number
          const [forth, back] = [
            await loadText(stringify(original)),
            await loadText(stringify(permuted(original, random))),
          ]
          expect(withoutPlaces(back)).toBe(withoutPlaces(forth))
        },
      ),
      RUNS,
    )
  })
})
