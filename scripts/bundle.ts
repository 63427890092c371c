/**
 * Makes dist/, what `npm pack` ships: the program as one small entry with lazy chunks beside it, and what the sidecar
 * image is built from. A checkout never uses dist/; `bin/bot-bottle` runs its sources.
 */
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'
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

await rm(dist, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { 'bot-bottle': 'bin/bot-bottle.ts' },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  chunkNames: 'chunks/[name]-[hash]',
  minify: true,
  legalComments: 'none',
  // esbuild itself builds the sidecars of a checkout only.
  external: ['esbuild'],
  plugins: [leaveOut],
  // Packages in CommonJS ask for `require`; an ES module has none of its own.
  banner: {
    js: "import{createRequire as bbRequire}from'node:module';const require=bbRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
})

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
const size = (path: string): string => `${((metafile.outputs[path]?.bytes ?? 0) / 1024).toFixed(0)} kB`
const chunks = Object.keys(metafile.outputs).length - 1
console.log(
  `dist/bot-bottle.js ${size('dist/bot-bottle.js')}, ${chunks} chunks, ${shipped} files for the sidecar image`,
)
