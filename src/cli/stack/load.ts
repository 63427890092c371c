/** Reads the manifest for a command: which files, with which settings, and what else they name. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ManifestError, UsageError } from '../../model/errors.ts'
import { loadManifest } from '../../manifest/load.ts'
import type { LoadedManifest } from '../../manifest/load.ts'
import type { PresetFolder } from '../../manifest/preset-files.ts'
import { unsupported } from '../../manifest/not-supported.ts'
import type { Home } from '../../state/home.ts'
import { derivedFrom, keyedDigest } from '../secrets/digest-key.ts'
import type { Io } from '../io.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { packageFile } from '../package-file.ts'
import { providersOf } from './providers.ts'
import { programInputs } from './program-inputs.ts'
import { settingsOf } from './settings.ts'
import type { Settings } from './settings.ts'

export type Loaded = LoadedManifest

/** Whether there is anything to read: something was named, or one of the usual files lies here. */
export function manifestIsThere(settings: Settings, io: Io): boolean {
  const usual = ['bottles.yaml', 'bottles.yml'].some((name) => existsSync(join(io.cwd, name)))
  return settings.files.length > 0 || (io.env['BOT_BOTTLE_FILE'] ?? '') !== '' || usual
}

export async function loadFor(invocation: Pick<Invocation, 'options' | 'io'>, home: Home): Promise<Loaded> {
  const { io } = invocation
  const settings = settingsOf(invocation)
  return loadManifest({
    files: settings.files,
    sets: settings.sets,
    cwd: io.cwd,
    env: io.env,
    ...(settings.driver && { driver: settings.driver }),
    program: await programInputs(),
    presets: presetFolders(home),
    skills: [{ path: join(home.dir, 'skills'), shown: join(home.dir, 'skills') }],
    providers: () => providersOf(home),
    keyedDigest: keyedDigest(home),
    derived: derivedFrom(home),
    today: new Date(io.now()).toISOString().slice(0, 10),
    detectors: async () => (await import('../egress/detectors.ts')).detectorSource(home.dir),
    forges: async () => (await import('./forges.ts')).forgeSource(home.dir),
    findingRules: async () => (await import('../egress/finding-rules.ts')).FINDING_RULES,
    stdin: () => standardInput(io),
  })
}

/** Those of the user, then those that come with the program. */
function presetFolders(home: Home): readonly PresetFolder[] {
  return [
    { path: join(home.dir, 'presets'), shown: join(home.dir, 'presets') },
    { path: packageFile('presets'), shown: 'bot-bottle:presets' },
  ]
}

/** What is written and not realised yet is refused, never silently left out. */
export function requireSupported(loaded: Loaded): void {
  const refused = unsupported(loaded)
  if (refused.length > 0) throw new ManifestError(refused, loaded.texts)
}

/** Bytes; what is larger is no manifest. */
const STDIN_MAX = 16 * 1024 * 1024

async function standardInput(io: Io): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of io.stdin) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > STDIN_MAX)
      throw new UsageError('standard input is larger than 16 MB', { code: 'manifest-too-large' })
    parts.push(bytes)
  }
  return Buffer.concat(parts).toString('utf8')
}
