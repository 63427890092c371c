/**
 * The programs of the sidecar image, each bundled to one file. esbuild is a development dependency: an installed package
 * has the bundles already.
 */
import type { BuildOptions, Plugin } from 'esbuild'
import { builtinModules } from 'node:module'
import { basename } from 'node:path'
import { PROGRAM_ROOT } from './inputs.ts'

/** `entryPoints`: sources by the name of the program. ES modules, with `version` as the one they say. */
export function bundleModules(
  entryPoints: Readonly<Record<string, string>>,
  version: string,
): Promise<ReadonlyMap<string, string>> {
  return bundle({
    ...optionsOf(entryPoints, version),
    format: 'esm',
    // Packages in CommonJS ask for `require`; an ES module has none of its own.
    banner: {
      js: "import { createRequire as bbRequire } from 'node:module'; const require = bbRequire(import.meta.url);",
    },
  })
}

/** As `bundleModules`, but scripts that Node can make a snapshot of: see `builtinsWhenUsed`. */
export function bundleForSnapshot(
  entryPoints: Readonly<Record<string, string>>,
  version: string,
): Promise<ReadonlyMap<string, string>> {
  return bundle({ ...optionsOf(entryPoints, version), format: 'cjs', plugins: [builtinsWhenUsed] })
}

/**
 * What Node is asked to make the snapshot of `program` by. Without compiled code, which would tie it to the processor
 * that the image was built on and take 5 MB of memory.
 */
export const snapshotSettings = (program: string): string =>
  JSON.stringify({ builder: program, withoutCodeCache: true })

function optionsOf(entryPoints: Readonly<Record<string, string>>, version: string): BuildOptions {
  return {
    entryPoints: { ...entryPoints },
    bundle: true,
    write: false,
    outdir: '/',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    legalComments: 'none',
    // Its main form is CommonJS, taken in whole; of this one only what is used is. An alias is looked up from here.
    absWorkingDir: PROGRAM_ROOT,
    alias: { '@smithy/signature-v4': '@smithy/signature-v4/dist-es/index.js' },
    define: { BOT_BOTTLE_VERSION: JSON.stringify(version) },
    logLevel: 'silent',
  }
}

async function bundle(options: BuildOptions): Promise<ReadonlyMap<string, string>> {
  const { build } = await import('esbuild')
  const { outputFiles = [] } = await build(options)
  return new Map(outputFiles.map((file) => [basename(file.path, '.js'), file.text]))
}

/**
 * A snapshot is the same in every process that starts from it, and cannot hold what most modules of Node are bound to.
 * So each of them is fetched when a name of it is first used, and while a snapshot is made that fails: no random bytes,
 * no keys and no environment can be in it.
 */
const builtinsWhenUsed: Plugin = {
  name: 'builtins-when-used',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: BUILT_IN }, ({ path }) => ({ path: path.replace(/^node:/, ''), namespace: 'node' }))
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents: IN_EVERY_SNAPSHOT.has(path)
        ? `module.exports = process.getBuiltinModule('${path}')`
        : whenUsed(path, Object.keys(process.getBuiltinModule(path) ?? {})),
      loader: 'js',
    }))
  },
}

const BUILT_IN = new RegExp(
  `^(?:node:)?(?:${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`,
)
/** Functions themselves, or what a program asks whether a snapshot is made. */
const IN_EVERY_SNAPSHOT = new Set(['events', 'stream', 'v8'])

const whenUsed = (module: string, names: readonly string[]): string => `
  let loaded
  function load() {
    if (process.getBuiltinModule('v8').startupSnapshot.isBuildingSnapshot())
      throw new Error('${module} is used while a snapshot is made')
    return (loaded = process.getBuiltinModule('${module}'))
  }
  module.exports = {${names.map((name) => `get ${JSON.stringify(name)}() { return (loaded ?? load())[${JSON.stringify(name)}] }`).join(',')}}`
