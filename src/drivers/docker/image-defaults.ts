/**
 * What a user's image brings along and what becomes of it: PATH is kept, variables that make something run are
 * taken away, its volumes become limited tmpfs; everything else of it is overridden in the create body. Pure.
 */
import { DriverError } from '../../model/errors.ts'
import { AGENT, DEFAULT_PATH, TAKEN_AWAY, programEnvironment } from '../../resources/guest/environment.ts'
import { safeText } from '../../model/text.ts'

export interface ImageDefaults {
  /** `NAME=value` of the image. */
  readonly env: readonly string[]
  /** VOLUME lines that are not ours. */
  readonly volumes: readonly string[]
}

const PROXY = /^(https?|ftp|all|no)_proxy$/i
const LOADER = /^(LD_|DYLD_)/

/** Create-time environment: execs inherit it. A name without a value takes the image's variable away. */
export function agentEnvironment(defaults: ImageDefaults): readonly string[] {
  const own = programEnvironment(imagePath(defaults.env))
  const theirs = [...new Set(defaults.env.map((line) => line.split('=', 1)[0] ?? ''))]
  const taken = theirs.filter(
    (name) => !(name in own) && (TAKEN_AWAY.includes(name) || LOADER.test(name) || PROXY.test(name)),
  )
  return [...taken.sort(), ...Object.entries(own).map(([name, value]) => `${name}=${value}`)]
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
