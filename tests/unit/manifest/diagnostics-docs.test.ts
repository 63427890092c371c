import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadText } from './loading.ts'

const root = join(import.meta.dirname, '../../..')
const documented = new Set(
  [...readFileSync(join(root, 'docs/diagnostics.md'), 'utf8').matchAll(/^\| (`.+?`) \|/gm)].flatMap(
    ([, cell]) => [...(cell ?? '').matchAll(/`([a-z0-9-]+)`/g)].map(([, code]) => code ?? ''),
  ),
)

const EMITTED =
  /(?:\b(?:report|Report)\.(?:error|warning)\(|#stop\(|(?<!#)\badd\(|\bcode: |\bleftOut\([^']*?)\s*'([a-z0-9-]+)'/g

/** Every code that stands in the source: all are literals. */
const emitted = new Set(
  ['src/manifest', 'src/manifest/checks', 'src/plugins']
    .flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
        .map((name) => readFileSync(join(root, folder, name), 'utf8')),
    )
    .flatMap((text) => [...text.matchAll(EMITTED)].map(([, code]) => code ?? '')),
)

describe('docs/diagnostics.md', () => {
  it('has every code that is emitted', () => {
    expect([...emitted].filter((code) => !documented.has(code))).toEqual([])
    expect(emitted.size).toBeGreaterThan(90)
  })

  it('has no code that is not', () => {
    expect([...documented].filter((code) => !emitted.has(code))).toEqual([])
  })

  it('has every code of the golden diagnostics', () => {
    const folder = join(root, 'fixtures/manifest/bad')
    const said = readdirSync(folder)
      .filter((name) => name.endsWith('.txt'))
      .flatMap((name) =>
        [...readFileSync(join(folder, name), 'utf8').matchAll(/^\S+ (?:error|warning) (\S+)$/gm)].map(
          ([, code]) => code ?? '',
        ),
      )
    expect([...new Set(said)].filter((code) => !documented.has(code))).toEqual([])
    expect(new Set(said).size).toBeGreaterThan(60)
  })
})

describe('docs/manifest.md', () => {
  it('shows a manifest that validates', async () => {
    const [, example] =
      /```yaml\n(# yaml-language-server[^]*?)```/.exec(
        readFileSync(join(root, 'docs/manifest.md'), 'utf8'),
      ) ?? []
    expect((await loadText(example ?? '')).desired.bottles).toEqual(['dev'])
  })
})
