/**
 * Where presets are and what stands in them. A name is looked up in `presets/` beside the manifest that asks for it,
 * in the program's home, then among those that come with the program: the first file wins, and that there was another
 * is said. Read once each; nothing is run.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Place } from '../model/diagnostic.ts'
import type { Patterns } from './checks/patterns.ts'
import { checkRouteList } from './checks/routes.ts'
import { at, itemsOf, plain, type MapNode } from './node.ts'
import { quoted, type Report } from './report.ts'
import { checkSchema } from './schema-errors.ts'
import { decode } from './source.ts'
import { nearest } from './suggest.ts'
import { checkVersion } from './union.ts'
import { validate } from './validate-preset.generated.js'
import { readYaml } from './yaml.ts'

/** A folder with `<name>.yaml` of presets. */
export interface PresetFolder {
  /** Absolute. */
  readonly path: string
  /** As places show it. */
  readonly shown: string
}

export interface Preset {
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly routes: readonly MapNode[]
}

export class PresetFiles {
  readonly #beside: (file: string) => PresetFolder
  readonly #further: readonly PresetFolder[]
  readonly #texts: Map<string, string>
  readonly #report: Report
  readonly #patterns: Patterns
  readonly #read = new Map<string, Preset | undefined>()

  /** `texts` gets what was read, by the name that places use, `patterns` the expressions in it. */
  constructor(
    beside: (file: string) => PresetFolder,
    further: readonly PresetFolder[],
    texts: Map<string, string>,
    report: Report,
    patterns: Patterns,
  ) {
    this.#beside = beside
    this.#further = further
    this.#texts = texts
    this.#report = report
    this.#patterns = patterns
  }

  /** Absolute paths of all files that were found. */
  get paths(): readonly string[] {
    return [...new Set([...this.#read.values()].flatMap((preset) => preset?.path ?? []))]
  }

  /** `place` asks for it; what is wrong is said in the report. */
  find(name: string, place: Place): Preset | undefined {
    const folders = [this.#beside(place.file), ...this.#further]
    const [found, other] = folders.flatMap((folder) => {
      const bytes = this.#bytes(join(folder.path, `${name}.yaml`), place)
      return bytes ? [{ folder, bytes }] : []
    })
    if (!found) {
      const known = folders.flatMap(({ path }) => namesIn(path))
      const near = nearest(name, known)
      this.#report.error(
        'unknown-preset',
        place,
        `there is no preset ${quoted(name)}`,
        near === undefined
          ? `presets are ${folders.map(({ shown }) => `${shown}/NAME.yaml`).join(', then ')}`
          : `did you mean ${quoted(near)}?`,
      )
      return undefined
    }
    const file = `${found.folder.shown}/${name}.yaml`
    if (other)
      this.#report.warning(
        'preset-found-twice',
        place,
        `${quoted(file)} stands instead of ${quoted(`${other.folder.shown}/${name}.yaml`)}`,
        'give yours another name if both are wanted',
      )
    const path = join(found.folder.path, `${name}.yaml`)
    if (!this.#read.has(path)) this.#read.set(path, this.#preset(name, file, path, found.bytes))
    return this.#read.get(path)
  }

  #preset(name: string, file: string, path: string, bytes: Uint8Array): Preset | undefined {
    const report = this.#report
    const before = report.errors
    const text = decode({ file, path, folder: '', bytes }, report)
    this.#texts.set(file, text?.text ?? '')
    const root = text && readYaml(text, report)
    if (!root || !checkVersion(root, report)) return undefined
    checkSchema(root, plain(root), report, undefined, validate)
    const routes = at(root, 'routes')
    checkRouteList(routes, report, this.#patterns)
    if (report.errors > before) return undefined
    return {
      name,
      path,
      routes: itemsOf(routes).flatMap(({ value }) => (value.kind === 'map' ? [value] : [])),
    }
  }

  #bytes(path: string, place: Place): Uint8Array | undefined {
    try {
      return readFileSync(path)
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
      if (code !== 'ENOENT' && code !== 'ENOTDIR')
        this.#report.error('preset-unreadable', place, `${quoted(path)} cannot be read (${code})`)
      return undefined
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).flatMap((name) => (name.endsWith('.yaml') ? [name.slice(0, -5)] : []))
  } catch {
    return []
  }
}
