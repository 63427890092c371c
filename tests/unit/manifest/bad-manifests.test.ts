import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadManifest } from '../../../src/manifest/load.ts'
import { FIXTURES, refusal, request, written } from './loading.ts'

/** `UPDATE_GOLDENS=1` writes them anew; read the difference before you commit it. */
const update = process.env['UPDATE_GOLDENS'] === '1'
const folder = join(FIXTURES, 'bad')
const manifests = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

describe('a bad manifest', () => {
  it('has many forms', () => {
    expect(manifests.length).toBeGreaterThanOrEqual(60)
  })

  for (const name of manifests) {
    it(`is refused in these words: ${name.replace('.yaml', '').replaceAll('-', ' ')}`, async () => {
      const error = await refusal(loadManifest(request({ files: [name], cwd: folder })))
      const golden = join(folder, name.replace('.yaml', '.txt'))
      const said = written(error.diagnostics)
      if (update) writeFileSync(golden, said)
      expect(said).toBe(existsSync(golden) ? readFileSync(golden, 'utf8') : '')
      expect(error.exit).toBe(2)
    })

    it(`is refused at places inside its file: ${name}`, async () => {
      const error = await refusal(loadManifest(request({ files: [name], cwd: folder })))
      const lines = (error.sources?.get(name) ?? '').split('\n')
      for (const { place } of error.diagnostics) {
        expect(place.file).toBe(name)
        expect(place.line).toBeGreaterThanOrEqual(1)
        expect(place.column).toBeGreaterThanOrEqual(1)
        if (error.sources?.get(name) === '') continue
        expect(place.line).toBeLessThanOrEqual(lines.length)
        const line = lines[place.line - 1] ?? ''
        expect(place.column + (place.length ?? 1) - 1).toBeLessThanOrEqual(
          Math.max(line.length, place.column),
        )
        expect(place.column).toBeLessThanOrEqual(line.length + 1)
      }
    })
  }
})
