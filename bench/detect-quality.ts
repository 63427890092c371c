/**
 * How much of the plain part of the seeded corpus gitleaks finds, beside our scanner on the same bytes:
 * `node bench/detect-quality.ts --gitleaks PATH`. Tokens as they are, each in a file of its own and in an ordinary line
 * of settings; ordinary requests as files. Nothing here is asserted. The corpus is ours: it has the kinds that we know.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { promisify } from 'node:util'
import { lookThrough } from '../sidecars/detect/look.ts'
import { FAMILIES } from '../tests/unit/detect/quality-ordinary.ts'
import { seededRandom } from '../tests/unit/detect/quality-places.ts'
import type { Sent } from '../tests/unit/detect/quality-places.ts'
import { BOTTLE, SEED, TOKENS } from '../tests/unit/detect/quality-secrets.ts'

const { values } = parseArgs({
  options: { gitleaks: { type: 'string' }, each: { type: 'string', default: '60' } },
})
const { gitleaks } = values
if (gitleaks === undefined) throw new TypeError('--gitleaks: the path of the program')

/** File name to content. */
type Texts = ReadonlyMap<string, Buffer>

const asIs: Texts = new Map(TOKENS.map(({ of, text }, index) => [`${of}.${index}.txt`, text]))
const inSettings: Texts = new Map(
  TOKENS.map(({ of, text }, index) => [
    `${of}.${index}.txt`,
    Buffer.concat([
      Buffer.from('# settings of the build\nname: builder\napi_key: "'),
      text,
      Buffer.from('"\nretries: 3\n'),
    ]),
  ]),
)
const written = ({ host, path, query, fields = {}, body }: Sent): Buffer =>
  Buffer.concat([
    Buffer.from(`POST ${path}${query === undefined ? '' : `?${query}`} HTTP/1.1\r\nHost: ${host}\r\n`),
    Buffer.from(
      Object.entries(fields)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join(''),
    ),
    Buffer.from('\r\n'),
    body ?? Buffer.alloc(0),
  ])
const ordinary: Texts = new Map(
  Object.entries(FAMILIES).flatMap(([family, write], row) =>
    Array.from({ length: Number(values.each) }, (_, index): [string, Buffer] => [
      `${row}.${index}.txt`,
      written(write(seededRandom(SEED, family, index))),
    ]),
  ),
)

/** Names of the texts in which a token is found; what cannot be looked into is none. */
const ourFindings = (texts: Texts): ReadonlySet<string> =>
  new Set(
    [...texts]
      .filter(([, text]) =>
        lookThrough(Buffer.from(text), BOTTLE).hits.some(({ rule }) => rule.startsWith('token/')),
      )
      .map(([name]) => name),
  )

async function theirFindings(program: string, texts: Texts): Promise<ReadonlySet<string>> {
  const folder = mkdtempSync(join(tmpdir(), 'detect-quality-'))
  try {
    const corpus = join(folder, 'corpus')
    mkdirSync(corpus)
    for (const [name, text] of texts) writeFileSync(join(corpus, name), text)
    const report = join(folder, 'report.json')
    const flags = ['--no-banner', '--exit-code', '0', '--report-format', 'json', '--report-path', report]
    await promisify(execFile)(program, ['dir', ...flags, corpus])
    const findings: readonly { readonly File: string }[] = JSON.parse(readFileSync(report, 'utf8'))
    return new Set(findings.map(({ File }) => basename(File)))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const kindsOf = (names: Iterable<string>): number =>
  new Set([...names].map((name) => name.split('.')[0])).size
const share = (some: number, all: number): string =>
  `${some} of ${all} (${((100 * some) / all).toFixed(1)} %)`

const rows: string[] = []
for (const [name, texts] of Object.entries({
  'tokens as they are': asIs,
  'tokens in a line of settings': inSettings,
  'ordinary requests with a finding': ordinary,
})) {
  const [ours, theirs] = [ourFindings(texts), await theirFindings(gitleaks, texts)]
  rows.push(`| ${name} | ${share(ours.size, texts.size)} | ${share(theirs.size, texts.size)} |`)
  if (texts === asIs || texts === inSettings)
    rows.push(
      `| kinds of them | ${share(kindsOf(ours), kindsOf(texts.keys()))} | ${share(kindsOf(theirs), kindsOf(texts.keys()))} |`,
    )
}
process.stdout.write(`| | bot-bottle | gitleaks |\n|---|--:|--:|\n${rows.join('\n')}\n`)
