/** Texts for the tests and the benchmark of token shapes: bodies in pieces, ordinary text. All from seeds. */
import { seeded, signs } from '../../../sidecars/detect/samples.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'
import type { Hit, ShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { bytesOf } from '../../../sidecars/detect/shapes/trial.ts'

/** Scans as a relay does: pieces come, what is settled goes on. */
export function scanPieces(
  scanner: ShapeScanner,
  pieces: readonly Buffer[],
  onHeld: (bytes: number) => void = () => {},
): readonly Hit[] {
  const hits: Hit[] = []
  let held: Buffer = Buffer.alloc(0)
  let from = 0
  let previous: Buffer = Buffer.alloc(0)
  pieces.forEach((piece, index) => {
    const bytes = Buffer.concat([held, piece])
    const last = index === pieces.length - 1
    const { hits: found, settled } = scanner.scan(bytes, { last, previous })
    hits.push(...found.map((hit) => ({ ...hit, start: hit.start + from, end: hit.end + from })))
    previous = Buffer.concat([previous, bytes.subarray(0, settled)]).subarray(-2)
    from += settled
    held = bytes.subarray(settled)
    onHeld(held.length)
  })
  return hits
}

const HEX = '0123456789abcdef'
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const BASE64URL = `${BASE64.slice(0, 62)}-_`
const WORDS =
  'the a of token key secret password access api session client user model request response header value config deploy branch commit merge error stack trace function return const import export default await async null undefined please explain how this code works and why the test fails after the last change in production'.split(
    ' ',
  )

/** What goes out all day and is no secret. */
export const ORDINARY: Readonly<Record<string, (random: Random) => string>> = {
  UUIDs: (random) => `${uuid(random)}\n`,
  'SHA-1 and SHA-256': (random) =>
    `${signs(HEX, 40, random)}  src/${word(random)}.ts\nsha256:${signs(HEX, 64, random)}\n`,
  'base64 of random bytes': (random) => `${signs(BASE64, 76, random)}\n`,
  'base64 in one line': (random) => signs(BASE64, 512, random),
  'base64url in one line': (random) => signs(BASE64URL, 512, random),
  'lock files': (random) =>
    `    "node_modules/${word(random)}": {\n      "version": "${random(20)}.${random(50)}.${random(9)}",\n      "resolved": "https://registry.npmjs.org/@${word(random)}/${word(random)}/-/${word(random)}-${random(9)}.1.0.tgz",\n      "integrity": "sha512-${signs(BASE64, 86, random)}=="\n    },\n`,
  'minified JavaScript': (random) =>
    `function ${name(random)}(${name(random)},${name(random)}){return ${name(random)}.${word(random)}?${name(random)}("${word(random)}_${word(random)}"):{key:"${word(random)}",token:${name(random)}.${word(random)},"${word(random)}-${word(random)}":!0}}var ${name(random)}=/[${name(random)}-z]+/g,`,
  'git objects': (random) =>
    `tree ${signs(HEX, 40, random)}\nparent ${signs(HEX, 40, random)}\nauthor ${word(random)} <${word(random)}@example.org> 17${signs('0123456789', 8, random)} +0100\n\n${sentence(random)}\n100644 blob ${signs(HEX, 40, random)}\t${word(random)}.md\n`,
  binary: (random) => String.fromCharCode(...Array.from({ length: 256 }, () => random(256))),
  'data URIs': (random) =>
    `<img src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA${signs(BASE64, 300, random)}${'A'.repeat(random(60))}${signs(BASE64, 40, random)}==">`,
  prose: (random) => `${sentence(random)}. `,
  'settings without secrets': (random) =>
    `${word(random).toUpperCase()}_API_KEY=\${${word(random).toUpperCase()}_KEY}\naws_secret_access_key = <your secret>\n"${word(random)}Token": process.env.${word(random).toUpperCase()}_TOKEN,\npostgres://localhost:5432/${word(random)}\n"api_key": "${word(random)}-${word(random)}-${word(random)}",\nsentry-${signs(HEX, 32, random)} key-${signs(HEX, 32, random)} ${word(random)}_${signs(HEX, 64, random)}\n`,
  'chat with a model': (random) =>
    `{"role":"user","content":"${sentence(random)}\\n\`\`\`ts\\n${sentence(random)};\\n\`\`\`"},{"role":"assistant","id":"msg_01${signs(BASE64.slice(0, 62), 22, random)}","content":[{"type":"tool_use","id":"toolu_01${signs(BASE64.slice(0, 62), 22, random)}","input":{"path":"/src/${word(random)}/${word(random)}.ts"}}]},`,
}

export function ordinary(kind: string, length: number): Buffer {
  const random = seeded(kind)
  const write = ORDINARY[kind]
  if (write === undefined) throw new RangeError(`no ordinary text ${kind}`)
  const parts: string[] = []
  for (let size = 0; size < length; size += parts.at(-1)?.length ?? 0) parts.push(write(random))
  return bytesOf(parts.join('')).subarray(0, length)
}

function word(random: Random): string {
  return WORDS[random(WORDS.length)] ?? ''
}

function name(random: Random): string {
  return signs(BASE64.slice(0, 52), 1 + random(2), random)
}

function sentence(random: Random): string {
  return Array.from({ length: 12 }, () => word(random)).join(' ')
}

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map((length) => signs(HEX, length, random)).join('-')
}
