/**
 * What a user's image brings along and what becomes of it: PATH is kept, variables that make something run are
 * emptied, its volumes become limited tmpfs; everything else of it is overridden in the create body. Pure.
 */
import { DriverError } from '../../model/errors.ts'
import { AGENT, DEFAULT_PATH, EMPTIED, programEnvironment } from '../../resources/guest/environment.ts'
import { safeText } from '../../model/text.ts'

export interface ImageDefaults {
  /** `NAME=value` of the image. */
  readonly env: readonly string[]
  /** VOLUME lines that are not ours. */
  readonly volumes: readonly string[]
}

const PROXY = /^(https?|ftp|all|no)_proxy$/i
const LOADER = /^(LD_|DYLD_)/

/** Create-time environment: execs inherit it, so each dangerous variable of the image is set here, to nothing. */
export function agentEnvironment(defaults: ImageDefaults): readonly string[] {
  const own = programEnvironment(imagePath(defaults.env))
  const theirs = defaults.env.map((line) => line.slice(0, line.indexOf('=')))
  const emptied = [
    ...new Set([...EMPTIED, ...theirs.filter((name) => LOADER.test(name) || PROXY.test(name))]),
  ]
  const empty = emptied.filter((name) => !(name in own)).map((name) => [name, ''] as const)
  return [...empty, ...Object.entries(own)].map(([name, value]) => `${name}=${value}`)
}

/** The image's PATH where every entry is an absolute folder; else the usual one. */
export function imagePath(env: readonly string[]): string {
  const line = env.find((entry) => entry.startsWith('PATH='))
  const path = line?.slice('PATH='.length)
  return path !== undefined && path.split(':').every((folder) => /^\/[\w./+-]*$/.test(folder))
    ? path
    : DEFAULT_PATH
}

const FORBIDDEN = /^\/(\.bb|proc|sys|dev|etc|run)?(\/|$)/

/** VOLUME targets of an image, made absolute and unique; one that would cover ours or the system's is refused. */
export function imageVolumes(image: string, declared: readonly string[]): readonly string[] {
  const own: readonly string[] = [AGENT.workspace, AGENT.home, '/tmp']
  const targets = [...new Set(declared.map((target) => target.replace(/\/+$/, '') || '/'))].sort()
  for (const target of targets) {
    const odd = !/^\/[\w./+-]*$/.test(target) || target.split('/').includes('..')
    if (odd || target === '/' || FORBIDDEN.test(target)) {
      throw new DriverError(
        `image ${safeText(image)} declares the volume ${safeText(target)}, which would cover a path of the bottle`,
        {
          code: 'image-mount-target',
          hint: 'build the image without that VOLUME line',
        },
      )
    }
  }
  return targets.filter((target) => !own.includes(target))
}

/** For observation: what creation would have refused cannot be there. */
export function imageVolumesQuiet(declared: readonly string[]): readonly string[] {
  try {
    return imageVolumes('', declared)
  } catch {
    return []
  }
}
