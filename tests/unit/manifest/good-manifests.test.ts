import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadManifest } from '../../../src/manifest/load.ts'
import { unsupported } from '../../../src/manifest/not-supported.ts'
import { FIXTURES, request, written } from './loading.ts'

/** `UPDATE_GOLDENS=1` writes them anew; read the difference before you commit it. */
const update = process.env['UPDATE_GOLDENS'] === '1'
const folder = join(FIXTURES, 'good')

describe('a good manifest', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
    it(`becomes exactly these resources: ${name}`, async () => {
      const loaded = await loadManifest(
        request({
          files: [name],
          cwd: folder,
          env: { HOME: '/home/dev', BUILD_ID: '42' },
          skills: [{ path: join(folder, 'skills'), shown: 'skills' }],
        }),
      )
      const { resources, bottles, secrets, stack, warnings } = loaded.desired
      const shown = {
        stack,
        bottles,
        secrets,
        // Places have a test of their own; here they would hide the rest.
        resources: resources.map(({ places: _, ...resource }) => resource),
      }
      const golden = `${JSON.stringify(shown, null, 2).replaceAll(`${folder}/`, '‹folder›/')}\n`
      const said = `${written(warnings)}--- at plan time\n${written(unsupported(loaded))}`
      for (const [file, text] of [
        [name.replace('.yaml', '.json'), golden],
        [name.replace('.yaml', '.txt'), said],
      ] as const) {
        if (update) writeFileSync(join(folder, file), text)
        expect(text).toBe(existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '')
      }
    })
  }
})
