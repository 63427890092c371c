/** What the stacks of this installation applied last on one engine: images and bottles that they still count on. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isName } from '../../model/names.ts'
import { openDatabase } from '../../state/database.ts'
import { engineFolder } from '../../state/home.ts'
import type { Home } from '../../state/home.ts'
import { openRecords } from '../../state/records.ts'
import { VERSION } from '../version.ts'

export interface Recorded {
  readonly stacks: ReadonlySet<string>
  /** Tags. */
  readonly images: ReadonlySet<string>
  /** `STACK/BOTTLE` */
  readonly bottles: ReadonlySet<string>
}

/** A state that cannot be read stops the caller: what it counts on is not known. */
export function recordedOn(home: Home, engineId: string, now: () => string): Recorded {
  const folder = join(home.dir, 'stacks', engineFolder(engineId))
  const stacks = existsSync(folder) ? readdirSync(folder).filter(isName) : []
  const applied = stacks
    .filter((stack) => existsSync(join(folder, stack, 'state.sqlite')))
    .flatMap((stack) => {
      const database = openDatabase({ home, engineId, stack, program: VERSION, now })
      try {
        return openRecords(database)
          .all()
          .map((entry) => ({ stack, ...entry }))
      } finally {
        database.close()
      }
    })
  const of = (kind: string) => applied.filter(({ address }) => address.startsWith(`${kind}/`))
  return {
    stacks: new Set(stacks),
    images: new Set(of('image').flatMap(({ value }) => tagsIn(value))),
    bottles: new Set(of('bottle').map(({ stack, address }) => `${stack}/${address.slice('bottle/'.length)}`)),
  }
}

/** Of the image itself, and of the one it stands on. */
export function tagsIn(spec: unknown): readonly string[] {
  const { tag, base } = Object(spec) as { readonly tag?: unknown; readonly base?: unknown }
  return [tag, base].filter((name) => typeof name === 'string')
}
