/**
 * Makes dist/, what `npm pack` ships: the program as a small entry and five lazy files, and what the sidecar
 * image is built from. `bin/bot-bottle` runs it in a checkout as well, while no source is newer.
 */
import { build } from 'esbuild'
import type { BuildOptions, Plugin, PluginBuild } from 'esbuild'
import { globSync } from 'node:fs'
import { copyFile, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { sidecarsImage } from '../src/drivers/docker/images/inputs.ts'
import { contextEntries } from '../src/drivers/docker/images/sidecars-image.ts'
import { licensesOf } from './licenses.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
/** Becomes dist/ when it is whole. */
const next = join(root, `dist.${process.pid}`)
const started = new Date()

/** Parts of dependencies that no path of this program reaches: ssh:// engines are refused, builds use no session of dockerode. */
const UNREACHED = /^(ssh2|cpu-features|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|fsevents)(\/|$)/

const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: UNREACHED }, ({ path }) => ({ path, namespace: 'left-out' }))
    onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      // Read at start, never called.
      contents: `const absent = new Proxy(function () {}, {
        get: (_, name) => (name === Symbol.toPrimitive ? () => '' : absent),
        apply() { throw new Error(${JSON.stringify(`${path} is not part of bot-bottle`)}) },
        construct() { throw new Error(${JSON.stringify(`${path} is not part of bot-bottle`)}) },
      }); module.exports = absent`,
      loader: 'js',
    }))
  },
}

/** The entry knows the version and the help; whatever does more is one further file, whose modules run when they are asked for; `validate` has a smaller one. */
const program: Plugin = {
  name: 'program',
  setup(bundling) {
    apart(bundling, /\/dispatch\.ts$/, './program.js')
    apart(bundling, /\/dispatch-validate\.ts$/, './validate.js')
  },
}

/** The kinds of tokens, a third of what `validate` would be, for the few manifests that accept a finding or name a detector. */
const tokens: Plugin = {
  name: 'tokens',
  setup(bundling) {
    apart(bundling, /\/finding-rules\.ts$/, './finding-rules.js')
    apart(bundling, /\/detectors\.ts$/, './detectors.js')
  },
}

/** Agent programs and their locks, for manifests that ask for one. */
const providers: Plugin = {
  name: 'providers',
  setup: (bundling) => apart(bundling, /\/providers\/registry\.ts$/, './providers.js'),
}

function apart({ onResolve }: PluginBuild, filter: RegExp, path: string): void {
  onResolve({ filter }, ({ kind }) => (kind === 'dynamic-import' ? { path, external: true } : undefined))
}

/**
 * Imports of Node's own modules would all run at the top of the one file; so each is fetched when a name of it is first
 * used. The names come through a prototype: esbuild reads the own properties of what it imports, and reading those of
 * `node:util` alone loads the half of Node (6 ms).
 */
const lazyNode: Plugin = {
  name: 'lazy-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'node' }))
    onResolve({ filter: BUILT_IN }, ({ path }) => ({ path: `node:${path}`, namespace: 'node' }))
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents: WHOLE.has(path)
        ? `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`
        : `const get = (_, name) => process.getBuiltinModule(${JSON.stringify(path)})[name]
           const names = new Proxy({}, { get })
           module.exports = new Proxy({}, { get, getPrototypeOf: () => names })`,
      loader: 'js',
    }))
  },
}

/** Modules that are functions themselves, or that every Node process has loaded at start. */
const WHOLE = new Set(['events', 'stream', 'assert', 'module', 'process'].map((name) => `node:${name}`))
/** The same modules as packages in CommonJS write them. */
const BUILT_IN = new RegExp(`^(${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`)

const common: BuildOptions = {
  absWorkingDir: root,
  outdir: next,
  bundle: true,
  // Not split: a file costs more than its bytes, and a module that is imported lazily is evaluated lazily in one file as well.
  splitting: false,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  legalComments: 'none',
  // esbuild itself builds the sidecars of a checkout only.
  external: ['esbuild'],
  // Packages in CommonJS ask for `require`; an ES module has none of its own.
  banner: {
    js: "import{createRequire as bbRequire}from'node:module';const require=bbRequire(import.meta.url);",
  },
  // What the sidecar image is made from is known here; a command need not read forty files to name it.
  define: { BOT_BOTTLE_SIDECARS_DIGEST: JSON.stringify((await sidecarsImage()).inputDigest) },
  metafile: true,
  logLevel: 'warning',
}

const built = await Promise.all([
  build({ ...common, entryPoints: { 'bot-bottle': 'bin/bot-bottle.ts' }, plugins: [program, lazyNode] }),
  build({
    ...common,
    entryPoints: { program: 'src/cli/dispatch.ts' },
    plugins: [providers, leaveOut, lazyNode],
  }),
  build({
    ...common,
    entryPoints: { validate: 'src/cli/dispatch-validate.ts' },
    plugins: [tokens, providers, leaveOut, lazyNode],
  }),
  build({ ...common, entryPoints: { providers: 'src/providers/registry.ts' }, plugins: [lazyNode] }),
  build({
    ...common,
    entryPoints: { detectors: 'src/cli/egress/detectors.ts' },
    plugins: [leaveOut, lazyNode],
  }),
  build({
    ...common,
    entryPoints: { 'finding-rules': 'src/cli/egress/finding-rules.ts' },
    plugins: [lazyNode],
  }),
])

/** For what is inside: daemons are bundled elsewhere (`contextEntries`), so here they are only looked through. */
const daemons = await build({
  ...common,
  write: false,
  entryPoints: globSync('sidecars/*/main.ts', { cwd: root }),
})
const inputs = [...built, daemons].flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {}))
await writeFile(join(next, 'licenses.txt'), licensesOf(root, inputs))

/** The image context of a checkout, byte for byte. */
async function shipSidecars(): Promise<number> {
  const entries = await contextEntries()
  for (const entry of entries) {
    const target = join(next, 'sidecars', entry.path)
    await mkdir(dirname(target), { recursive: true })
    if ('file' in entry) await copyFile(entry.file, target)
    else if ('content' in entry) await writeFile(target, entry.content)
  }
  return entries.length
}

const shipped = await shipSidecars()
// What was edited meanwhile is newer than the bundle that may not have it (bin/bot-bottle compares).
await utimes(join(next, 'bot-bottle.js'), started, started)
await rm(dist, { recursive: true, force: true })
await rename(next, dist)
const sizes = built.flatMap(({ metafile }) =>
  Object.entries(metafile?.outputs ?? {}).map(
    ([path, { bytes }]) => `dist/${basename(path)} ${(bytes / 1024).toFixed(0)} kB`,
  ),
)
process.stdout.write(`${sizes.join(', ')}, ${shipped} files for the sidecar image\n`)
