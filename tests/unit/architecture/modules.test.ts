import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../..')

/** Architecture.md, Module map: a file imports from its own layer or from one further up. */
const LAYERS = [
  'model',
  'ports',
  'resources',
  'reconcile',
  'manifest',
  'state',
  'execute',
  'drivers',
  'providers',
  'forges',
  'plugins',
  'render',
  'watch',
  'cli',
]
/** Pure parts of the sidecars that `src/cli` and `src/resources` may use as well. */
const SHARED_SIDECARS = ['policy', 'detect']

interface Import {
  readonly from: string
  readonly to: string
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((found) => ({
    from: file,
    to: relative(root, join(root, dirname(file), found[1] ?? '')),
  }))
}

const layerOf = (file: string) => (file.startsWith('src/') ? LAYERS.indexOf(file.split('/')[1] ?? '') : -1)
/** Without comments. */
const code = (text: string) => text.replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, '')
const all = [...sources('src'), ...sources('sidecars')]

describe('the module map', () => {
  it('lists every folder of src', () => {
    const folders = new Set(sources('src').map((file) => file.split('/')[1]))
    expect([...folders].filter((folder) => !LAYERS.includes(folder ?? ''))).toEqual([])
  })

  it('lets imports in src go only upwards', () => {
    const wrong = sources('src')
      .flatMap(importsOf)
      .filter(({ from, to }) => to.startsWith('src/') && layerOf(to) > layerOf(from))
    expect(wrong).toEqual([])
  })

  it('keeps drivers, and forges, from importing each other', () => {
    const wrong = sources('src')
      .flatMap(importsOf)
      .filter(({ from, to }) => {
        const [, layer, name] = from.split('/')
        const [, otherLayer, other] = to.split('/')
        return (layer === 'drivers' || layer === 'forges') && otherLayer === layer && other !== name
      })
    expect(wrong).toEqual([])
  })

  it('lets nothing cross between src and sidecars but src/model and the pure parts', () => {
    const wrong = all.flatMap(importsOf).filter(({ from, to }) => {
      if (from.startsWith('sidecars/') && to.startsWith('src/')) return !to.startsWith('src/model/')
      if (from.startsWith('src/') && to.startsWith('sidecars/')) {
        const shared = SHARED_SIDECARS.some((part) => to.startsWith(`sidecars/${part}/`))
        return !shared || !(from.startsWith('src/cli/') || from.startsWith('src/resources/'))
      }
      return false
    })
    expect(wrong).toEqual([])
  })

  it('keeps the two doors apart: what both use is in sidecars/http', () => {
    const DOORS: Readonly<Record<string, readonly string[]>> = {
      http: ['egress', 'gate', 'uplink', 'supervisor'],
      egress: ['gate'],
      gate: ['egress'],
    }
    const wrong = sources('sidecars')
      .flatMap(importsOf)
      .filter(({ from, to }) => DOORS[from.split('/')[1] ?? '']?.includes(to.split('/')[1] ?? ''))
    expect(wrong).toEqual([])
  })

  it('names no provider outside its folder', () => {
    const names = /(?<![\w/.-])(claude|codex|pi)(?![\w/-])/
    const wrong = sources('src').filter(
      (file) =>
        !file.startsWith('src/providers/') &&
        !file.endsWith('.generated.ts') &&
        names.test(code(readFileSync(join(root, file), 'utf8'))),
    )
    expect(wrong).toEqual([])
  })

  it('lets providers reach nothing but the types that they fill', () => {
    const wrong = sources('src/providers')
      .flatMap(importsOf)
      .filter(({ to }) => !to.startsWith('src/providers/') && !to.startsWith('src/model/'))
    expect(wrong).toEqual([])
  })

  it('keeps the pure core free of I/O, clock, random and environment', () => {
    const impure =
      /from '(node:(?!crypto'|zlib')[^']+|execa|dockerode|chokidar|pino)'|Date\.now|new Date\(\)|Math\.random|process\.|random(Bytes|UUID)/
    const core = [
      ...sources('src/reconcile'),
      ...sources('src/resources'),
      ...sources('src/providers'),
      ...sources('sidecars/policy'),
      ...sources('sidecars/detect'),
    ]
    expect(core.filter((file) => impure.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
  })
})

describe('the edges of the process', () => {
  it('ends the process in bin alone', () => {
    expect(
      sources('src').filter((file) =>
        /process\.(exit\b|exitCode)/.test(readFileSync(join(root, file), 'utf8')),
      ),
    ).toEqual([])
  })

  it('writes to standard output in src/render alone', () => {
    const wrong = sources('src').filter(
      (file) =>
        !file.startsWith('src/render/') &&
        /process\.stdout\.write|console\./.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(wrong).toEqual([])
  })

  it('runs no shell', () => {
    expect(
      all.filter((file) =>
        /shell: *true|execSync\(|'sh', *\['-c'/.test(readFileSync(join(root, file), 'utf8')),
      ),
    ).toEqual([])
  })
})
