/**
 * Makes dist/, what `npm pack` ships: the program as a small entry and one lazy file, and what the sidecar
 * image is built from. A checkout never uses dist/; `bin/bot-bottle` runs its sources.
 */
import { build } from 'esbuild'
import type { BuildOptions, Plugin } from 'esbuild'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

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

/** The entry knows the version and the help; whatever does more is one further file, whose modules run when they are asked for. */
const program: Plugin = {
  name: 'program',
  setup({ onResolve }) {
    onResolve({ filter: /\/dispatch\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './program.js', external: true } : undefined,
    )
  },
}

/** Imports of Node's own modules would all run at the top of the one file; so each is fetched where it is first used. */
const lazyNode: Plugin = {
  name: 'lazy-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'node' }))
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
      loader: 'js',
    }))
  },
}

const common: BuildOptions = {
  absWorkingDir: root,
  outdir: dist,
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
  metafile: true,
  logLevel: 'warning',
}

await rm(dist, { recursive: true, force: true })
const built = await Promise.all([
  build({ ...common, entryPoints: { 'bot-bottle': 'bin/bot-bottle.ts' }, plugins: [program, lazyNode] }),
  build({ ...common, entryPoints: { program: 'src/cli/dispatch.ts' }, plugins: [leaveOut, lazyNode] }),
])

/** The image context of a checkout, byte for byte. */
async function shipSidecars(): Promise<number> {
  const { contextEntries } = await import('../src/drivers/docker/images/sidecars-image.ts')
  const entries = await contextEntries()
  for (const entry of entries) {
    const target = join(dist, 'sidecars', entry.path)
    await mkdir(dirname(target), { recursive: true })
    if ('file' in entry) await copyFile(entry.file, target)
    else if ('content' in entry) await writeFile(target, entry.content)
  }
  return entries.length
}

const shipped = existsSync(join(root, 'src/drivers/docker/images/sidecars-image.ts'))
  ? await shipSidecars()
  : 0
const sizes = built.flatMap(({ metafile }) =>
  Object.entries(metafile?.outputs ?? {}).map(
    ([path, { bytes }]) => `${path} ${(bytes / 1024).toFixed(0)} kB`,
  ),
)
process.stdout.write(`${sizes.join(', ')}, ${shipped} files for the sidecar image\n`)
