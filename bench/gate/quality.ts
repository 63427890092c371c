/**
 * What our scan of a push finds in the history of a seeded repository, beside gitleaks on the same repository:
 * `node bench/gate/quality.ts --gitleaks PATH`. One true token of each kind in each place of a history, look-alikes of
 * each kind, and ordinary code. Nothing here is asserted. The tokens are ours: the corpus has the kinds that we know.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { KnownSecrets } from '../../sidecars/detect/known.ts'
import { createShapeScanner } from '../../sidecars/detect/shapes/scanner.ts'
import { SHAPES } from '../../sidecars/detect/shapes/shape.ts'
import { readNewObjects } from '../../sidecars/gate/objects.ts'
import type { ObjectHead } from '../../sidecars/gate/objects.ts'
import { ObjectScan } from '../../sidecars/gate/scan.ts'
import { samplesOf } from '../../sidecars/detect/shapes/trial.ts'
import { makeCommits } from './repository.ts'

const { values } = parseArgs({ options: { gitleaks: { type: 'string' } } })
const { gitleaks } = values
if (gitleaks === undefined) throw new TypeError('--gitleaks: the path of the program')

const ORDINARY = { commits: 1000, bytes: 20e6, size: 4000 }

/** Content of a file that has the token; a message is no file. */
const PLACES: Readonly<Record<string, (token: string) => Buffer>> = {
  'a line of settings': (token) =>
    Buffer.from(`# settings of the build\nname: builder\napi_key: "${token}"\nretries: 3\n`),
  'a file that the next commit removes': (token) => Buffer.from(`const key = '${token}'\n`),
  'a message of a commit': () => Buffer.alloc(0),
  'a file with bytes that are no text': (token) =>
    Buffer.concat([Buffer.of(0, 255, 0, 1), Buffer.from(` key=${token} `), Buffer.of(0, 7, 254)]),
  'a file in UTF-16': (token) => Buffer.from(`\ufeffapi_key = "${token}"\r\n`, 'utf16le'),
  'base64 in a manifest': (token) =>
    Buffer.from(`kind: Secret\ndata:\n  key: ${Buffer.from(`token=${token}\n`).toString('base64')}\n`),
  'a gzip file': (token) => gzipSync(`api_key: "${token}"\n`),
}
const places = Object.keys(PLACES)

/** A commit for each file, and one that removes it where its place says so. */
function history(): Buffer {
  const parts: Buffer[] = []
  let at = 0
  const commit = (message: string, change: readonly Buffer[]): void => {
    at += 1
    const head = `commit refs/heads/work\ncommitter Agent <agent@bottle.test> ${1_700_000_000 + at} +0000\n`
    const start = at === 1 ? 'from refs/heads/main^0\n' : ''
    parts.push(Buffer.from(`${head}data ${Buffer.byteLength(message)}\n${message}\n${start}`), ...change)
  }
  const file = (path: string, content: Buffer): readonly Buffer[] => [
    Buffer.from(`M 100644 inline ${path}\ndata ${content.length}\n`),
    content,
    Buffer.from('\n'),
  ]
  for (const shape of SHAPES) {
    const [token = ''] = samplesOf(shape, 'true')
    for (const [index, place] of places.entries()) {
      const path = `true/${index}/${shape.id}.txt`
      if (place.startsWith('a message')) commit(`Use ${token} for path ${path}`, [])
      else commit('work', file(path, PLACES[place]?.(token) ?? Buffer.alloc(0)))
      if (place.includes('removes')) commit('clean', [Buffer.from(`D ${path}\n`)])
    }
    for (const [index, text] of samplesOf(shape, 'alike').entries())
      commit('work', file(`alike/${index}/${shape.id}.txt`, Buffer.from(`api_key: "${text}"\n`)))
  }
  return Buffer.concat(parts)
}

/** Paths in which a token is found. */
async function ourFindings(repository: string, tip: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  const detectors = { known: new KnownSecrets(Buffer.alloc(32), []), shapes: createShapeScanner() }
  let scan = new ObjectScan(detectors)
  await readNewObjects({ repository }, [tip], {
    begin(head: ObjectHead): void {
      scan = new ObjectScan(detectors)
      scan.begin(head)
    },
    piece(bytes: Buffer, last: boolean): void {
      scan.piece(bytes, last)
      if (!last || scan.count === 0) return
      for (const { rule, type, path } of scan.found)
        if (rule.startsWith('token/')) found.add(type === 'commit' ? pathIn(bytes.toString()) : path)
    },
  })
  return found
}

const pathIn = (message: string): string => /for path (\S+)/.exec(message)?.[1] ?? message

async function theirFindings(
  program: string,
  folder: string,
  repository: string,
): Promise<ReadonlySet<string>> {
  const report = join(folder, 'report.json')
  const flags = ['--no-banner', '--exit-code', '0', '--report-format', 'json', '--report-path', report]
  await promisify(execFile)(program, ['git', '--log-opts=--all', ...flags, repository])
  const findings: readonly { readonly File: string; readonly Message?: string }[] = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  return new Set(findings.map(({ File }) => File))
}

const share = (some: number, all: number): string =>
  `${some} of ${all} (${((100 * some) / all).toFixed(1)} %)`

const folder = mkdtempSync('/tmp/bench-quality-')
try {
  const repository = join(folder, 'repository.git')
  const git = (args: readonly string[], input?: Buffer): string =>
    execFileSync('git', args, { cwd: repository, input, maxBuffer: 1 << 28 })
      .toString()
      .trim()
  execFileSync('git', ['init', '-q', '--bare', '--initial-branch=main', repository])
  const made = await makeCommits(repository, { seed: 'quality', branch: 'refs/heads/main', ...ORDINARY })
  git(['fast-import', '--quiet'], history())
  const theirs = await theirFindings(gitleaks, folder, repository)
  const tip = git(['rev-parse', 'work'])
  for (const branch of ['work', 'main']) git(['update-ref', '-d', `refs/heads/${branch}`])
  const ours = await ourFindings(repository, tip)
  const rows = places.map((place, index): readonly [string, RegExp, number] => [
    `true: ${place}`, new RegExp(`^true/${index}/`), SHAPES.length,
  ]) // prettier-ignore
  const alikes = SHAPES.reduce((sum, shape) => sum + samplesOf(shape, 'alike').length, 0)
  const all: typeof rows = [
    ...rows,
    ['look-alikes with a finding', /^alike\//, alikes],
    ['ordinary files with a finding, all versions', /^src\//, made.blobs],
  ]
  const counted = (found: ReadonlySet<string>, paths: RegExp): number => [...found].filter((path) => paths.test(path)).length // prettier-ignore
  process.stdout.write(
    `${SHAPES.length} kinds; | | bot-bottle | gitleaks |\n|---|--:|--:|\n${all
      .map(
        ([what, paths, of]) =>
          `| ${what} | ${share(counted(ours, paths), of)} | ${share(counted(theirs, paths), of)} |`,
      )
      .join('\n')}\n`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
