/** Names for completion, from the manifest here or from live state; empty rather than an error. */
import { Options } from './options.ts'
import type { Io } from '../io.ts'

export interface Names {
  readonly bottles: readonly string[]
  readonly addresses: readonly string[]
}

/** Milliseconds; a shell must not hang on Tab. */
const PATIENCE = 1_500

export async function manifestNames(before: readonly string[], io: Io): Promise<Names> {
  const none: Names = { bottles: [], addresses: [] }
  const late = new Promise<Names>((resolve) => void setTimeout(resolve, PATIENCE, none).unref())
  return Promise.race([found(before, io).catch(() => none), late])
}

export async function liveStacks(io: Io): Promise<readonly string[]> {
  const late = new Promise<readonly string[]>((resolve) => void setTimeout(resolve, PATIENCE, []).unref())
  return Promise.race([stacks(io).catch(() => []), late])
}

async function stacks(io: Io): Promise<readonly string[]> {
  const { openHome } = await import('../../state/home.ts')
  const { openDrivers } = await import('../stack/drivers.ts')
  const { settingsOf } = await import('../stack/settings.ts')
  const settings = settingsOf({ options: new Options({}), io })
  const driver = await openDrivers(io, openHome({ env: io.env }).installation)(settings.driver ?? 'docker')
  return driver.stacks()
}

async function found(before: readonly string[], io: Io): Promise<Names> {
  const { openStackOrNone } = await import('../stack/stack.ts')
  const { liveBottles } = await import('../stack/bottle.ts')
  const file = valuesOf(before, ['-f', '--file'])
  const [stackName] = valuesOf(before, ['--stack'])
  const options = new Options({
    ...(file.length > 0 && { file }),
    ...(stackName !== undefined && { stack: stackName }),
  })
  const silent = {
    result() {},
    note() {},
    gone: new AbortController().signal,
    ask() {},
    event() {},
    flush: async () => {},
    live: undefined,
    screen: undefined,
    style: { color: false, unicode: true, width: 0 },
    noteStyle: { color: false, unicode: true, width: 0 },
  }
  const stack = await openStackOrNone({ command: '__complete', args: [], options, io, output: silent })
  if (!stack) return { bottles: [], addresses: [] }
  if (stack.loaded)
    return {
      bottles: stack.loaded.desired.bottles,
      addresses: stack.loaded.desired.resources.map((resource) => resource.address),
    }
  return { bottles: await liveBottles(stack), addresses: [] }
}

function valuesOf(words: readonly string[], flags: readonly string[]): string[] {
  return words.flatMap((word, at) => (flags.includes(words[at - 1] ?? '') ? [word] : []))
}
