/** The licenses of what a bundle has inside: whoever hands the bundle on hands them on with it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `inputs`: paths as esbuild's metafile has them. A package without a text of its own is named with its license. */
export function licensesOf(root: string, inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap((path) => PACKAGE.exec(path)?.[0] ?? []))
  return [...folders]
    .sort()
    .map((folder) => textOf(root, folder))
    .join(`\n${'-'.repeat(80)}\n\n`)
}

/** The innermost package of a path. */
const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/

function textOf(root: string, folder: string): string {
  const about: unknown = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const { name, version, license } = Object(about) as Readonly<Record<string, unknown>>
  const files = readdirSync(join(root, folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  const texts = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
  return [`${String(name)} ${String(version)} (${String(license)})`, ...texts, ''].join('\n\n')
}
