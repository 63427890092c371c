/** A plug-in that cannot be used, in the words of a diagnostic. */
import { join } from 'node:path'
import { Report } from '../manifest/report.ts'
import type { BrokenPlugin, Plugin } from './plugin.ts'

type Named = Pick<Plugin, 'name' | 'folder'> & Partial<Pick<Plugin, 'place'>>

/** One that was found, and that something else is wrong with. */
export function leftOut(
  { name, folder, place }: Named,
  code: string,
  message: string,
  hint?: string,
): BrokenPlugin {
  const report = new Report()
  report.error(code, place ?? { file: join(folder, 'plugin.yaml'), line: 1, column: 1 }, message, hint)
  return { name, folder, diagnostics: report.diagnostics }
}
