/** Loads manifests the way a command does, from files of this checkout or from a text. */
import { join } from 'node:path'
import { FINDING_RULES } from '../../../src/cli/egress/finding-rules.ts'
import { DIALECTS } from '../../../src/cli/stack/forges.ts'
import { loadManifest, type LoadedManifest, type LoadRequest } from '../../../src/manifest/load.ts'
import { providersWith } from '../../../src/plugins/providers.ts'
import { BUILT_IN_PROVIDERS } from '../../../src/providers/registry.ts'
import { digestOf } from '../../../src/model/json.ts'
import type { Diagnostic } from '../../../src/model/diagnostic.ts'
import { ManifestError } from '../../../src/model/errors.ts'

export const FIXTURES = join(import.meta.dirname, '../../../fixtures/manifest')

export const PROGRAM: LoadRequest['program'] = {
  version: '0.1.0',
  sidecars: { tag: 'bot-bottle/sidecars:0.1.0-dddddddddddd', inputDigest: 'd'.repeat(64), base: 'base' },
  baseImage: { name: 'bot-bottle/base:bbbbbbbbbbbb', inputDigest: 'b'.repeat(64) },
}

export function request(over: Partial<LoadRequest> = {}): LoadRequest {
  return {
    files: ['-'],
    sets: [],
    cwd: FIXTURES,
    env: { HOME: '/home/dev' },
    program: PROGRAM,
    presets: [{ path: join(import.meta.dirname, '../../../presets'), shown: 'bot-bottle:presets' }],
    providers: async () => providersWith(BUILT_IN_PROVIDERS, []),
    keyedDigest: (value) => `digest of ${value.length}`,
    derived: (...words) => digestOf(words),
    today: '2026-06-30',
    findingRules: async () => FINDING_RULES,
    detectors: async () => ({ names: [], find: () => undefined }),
    forges: async () => ({ names: [...DIALECTS.keys()], plugin: () => undefined }),
    ...over,
  }
}

export function loadText(text: string, over: Partial<LoadRequest> = {}): Promise<LoadedManifest> {
  return loadManifest(request({ stdin: () => Promise.resolve(text), ...over }))
}

/** What is said about a manifest that is refused. */
export async function refusal(loading: Promise<unknown>): Promise<ManifestError> {
  const outcome = await loading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (outcome instanceof ManifestError) return outcome
  throw outcome instanceof Error ? outcome : new Error('the manifest was accepted')
}

/** `file:line:column+length severity code`, message, hint: everything a diagnostic says. */
export function written(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(({ severity, code, message, hint, place }) => {
      const mark = `${place.file}:${place.line}:${place.column}${place.length === undefined ? '' : `+${place.length}`}`
      return `${mark} ${severity} ${code}\n  ${message}\n${hint === undefined ? '' : `  hint: ${hint}\n`}`
    })
    .join('')
}
