/** The ordinary half of the corpus: what leaves a bottle all day and holds no secret. One generator per family. */
import { deflateSync, gzipSync } from 'node:zlib'
import { signs } from '../../../sidecars/detect/samples.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'
import { BINARY_FAMILIES } from './quality-ordinary-bytes.ts'
import { CODE, code, identifier, oneOf } from './quality-ordinary-code.ts'
import { multipart, prose } from './quality-places.ts'
import type { Sent } from './quality-places.ts'

const HEX = '0123456789abcdef'
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'
const BASE62 = `${LETTERS}${LETTERS.toUpperCase()}${DIGITS}`
const BASE64 = `${BASE62}+/`
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

const hex = (length: number, random: Random): string => signs(HEX, length, random)
const uuid = (random: Random): string => [8, 4, 4, 4, 12].map((length) => hex(length, random)).join('-')
const version = (random: Random): string => `${random(20)}.${random(40)}.${random(15)}`
const many = (count: number, write: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => write(index)).join('')
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const integrity = (random: Random): string => `sha512-${signs(BASE64, 86, random)}==`

const browserFields = (random: Random): Record<string, string> => ({
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0',
  'If-None-Match': `W/"${hex(40, random)}"`,
  traceparent: `00-${hex(32, random)}-${hex(16, random)}-01`,
  'X-Request-Id': uuid(random),
  Cookie: `_ga=GA1.2.${signs(DIGITS, 9, random)}.${signs('123456789', 10, random)}; csrftoken=${signs(BASE62, 32, random)}; sid=${hex(32, random)}`,
})

const lockFile = (random: Random): string =>
  `{"lockfileVersion":3,"packages":{${many(
    8,
    (index) =>
      `${index > 0 ? ',' : ''}"node_modules/@${identifier(random)}/${identifier(random)}":{"version":"${version(random)}","resolved":"https://registry.npmjs.org/@${identifier(random)}/${identifier(random)}/-/${identifier(random)}-${version(random)}.tgz","integrity":"${integrity(random)}"}`,
  )}}}`

const chat = (random: Random, turns: readonly unknown[]): Sent => ({
  host: 'api.anthropic.com',
  path: '/v1/messages',
  fields: { 'anthropic-version': '2023-06-01', 'content-type': 'application/json', 'x-stainless-lang': 'js' },
  body: json({
    model: 'm-large',
    max_tokens: 4096,
    metadata: { user_id: `user_${hex(64, random)}` },
    messages: turns,
  }),
})
const toolTurn = (random: Random, content: string): readonly unknown[] => {
  const id = `toolu_01${signs(BASE62, 22, random)}`
  return [
    { role: 'user', content: `${prose(random)}?` },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: prose(random) },
        { type: 'tool_use', id, name: 'bash', input: { command: `cat src/${identifier(random)}.ts` } },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content }] },
  ]
}

const chats = Object.fromEntries(
  Object.keys(CODE).map((kind) => [
    `chat with ${kind}`,
    (random: Random): Sent => chat(random, toolTurn(random, code(kind, 10 + random(30), random))),
  ]),
)

const LANGUAGES = [
  'Сборка упала в 2024г., см. файл 10с «src/разбор.ts» — код ошибки E0308, TypeScript-модуль.',
  'Η κατασκευή απέτυχε στις 12:30, δες το αρχείο του API.',
  '构建失败：请检查ＡＰＩ接口（第３行），错误码“E0308”。',
  'ビルドに失敗しました。ＡＰＩキーを確認してください、１２３。',
  'La compilation a échoué à l’étape n°3 ; voilà : garçon, cœur, naïveté.',
  'Die Prüfung schlug fehl – „Größe“ = 10 µm², Straße № 5.',
  'Derleme başarısız oldu; ığdır, şişe, çağrı.',
  'نص عادي مع API و 123',
  'done ✅ 👩‍💻 ½ ™ → ≥ x² ∑ 🇫🇷',
]

export const FAMILIES: Readonly<Record<string, (random: Random) => Sent>> = {
  'npm install': (random) => ({
    host: 'registry.npmjs.org',
    path: oneOf(
      [
        `/@${identifier(random)}%2f${identifier(random)}`,
        `/${identifier(random)}/-/${identifier(random)}-${version(random)}.tgz`,
      ],
      random,
    ),
    fields: { 'npm-session': hex(16, random), 'if-none-match': `"${hex(32, random)}"`, 'npm-in-ci': 'false' },
  }),
  'npm audit': (random) => ({
    host: 'registry.npmjs.org',
    path: '/-/npm/v1/security/audits/quick',
    fields: { 'Content-Encoding': 'gzip' },
    body: gzipSync(lockFile(random)),
  }),
  'pip install': (random) => ({
    host: 'files.pythonhosted.org',
    path: `/packages/${hex(2, random)}/${hex(2, random)}/${hex(60, random)}/${identifier(random)}-${version(random)}-cp312-cp312-manylinux_2_17_x86_64.whl`,
  }),
  'cargo index': (random) => ({
    host: 'index.crates.io',
    path: `/${signs(LETTERS, 2, random)}/${signs(LETTERS, 2, random)}/${identifier(random)}_${identifier(random)}`,
    fields: { 'if-none-match': `"${hex(32, random)}"`, 'user-agent': 'cargo/1.91.0 (ea2d97820 2025-10-10)' },
  }),
  'Go module proxy': (random) => ({
    host: 'proxy.golang.org',
    path: `/github.com/${identifier(random)}/${identifier(random)}/@v/v0.0.0-2025${signs(DIGITS, 10, random)}-${hex(12, random)}.zip`,
  }),
  'git fetch': (random) => ({
    host: 'github.com',
    path: `/${identifier(random)}/${identifier(random)}.git/git-upload-pack`,
    fields: { 'Content-Type': 'application/x-git-upload-pack-request' },
    body: Buffer.from(
      `0014command=fetch0016object-format=sha10001000fno-progress${many(20, () => `0032want ${hex(40, random)}\n`)}${many(30, () => `0032have ${hex(40, random)}\n`)}0009done\n0000`,
    ),
  }),
  'git push': (random) => ({
    host: 'github.com',
    path: `/${identifier(random)}/${identifier(random)}.git/git-receive-pack`,
    body: Buffer.concat([
      Buffer.from(
        `00a5${hex(40, random)} ${hex(40, random)} refs/heads/${identifier(random)}\0 report-status-v2 side-band-64k object-format=sha1 agent=git/2.51.00000PACK\0\0\0\x02`,
      ),
      ...Array.from({ length: 5 }, () => deflateSync(code('TypeScript', 8, random))),
    ]),
  }),
  'container images': (random) => ({
    host: 'registry-1.docker.io',
    path: `/v2/library/${identifier(random)}/blobs/sha256:${hex(64, random)}`,
    fields: {
      accept: 'application/vnd.oci.image.manifest.v1+json',
      'if-none-match': `"sha256:${hex(64, random)}"`,
    },
  }),
  'image manifests': (random) => ({
    host: 'ghcr.io',
    path: `/v2/${identifier(random)}/app/manifests/latest`,
    body: json({
      schemaVersion: 2,
      config: { digest: `sha256:${hex(64, random)}`, size: random(9999) },
      layers: Array.from({ length: 9 }, () => ({ size: random(1e8), digest: `sha256:${hex(64, random)}` })),
    }),
  }),
  'lock files': (random) => ({
    host: 'api.example.com',
    path: '/v1/scan',
    body: Buffer.from(lockFile(random)),
  }),
  'lock files, yarn and cargo': (random) => ({
    host: 'api.example.com',
    path: '/v1/scan',
    body: Buffer.from(
      many(
        8,
        () =>
          `"${identifier(random)}@npm:^${version(random)}":\n  version: ${version(random)}\n  checksum: 10c0/${hex(128, random)}\n  languageName: node\n\n[[package]]\nname = "${identifier(random)}"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "${hex(64, random)}"\n`,
      ),
    ),
  }),
  'analytics in a query': (random) => ({
    host: 'www.google-analytics.com',
    path: '/g/collect',
    query: `v=2&tid=G-${signs('ABCDEFGHJKLMNPQRSTUVWXYZ0123456789', 10, random)}&gtm=45je${signs(`${DIGITS}${LETTERS}`, 12, random)}&_p=${signs(DIGITS, 13, random)}&cid=${signs(DIGITS, 9, random)}.${signs(DIGITS, 10, random)}&dl=https%3A%2F%2Fexample.com%2F${identifier(random)}%3Futm_source%3D${identifier(random)}&dt=${encodeURIComponent(prose(random))}&sid=${signs(DIGITS, 10, random)}&gclid=Cj0KCQ${signs(`${BASE62}_-`, 60, random)}`,
    fields: browserFields(random),
  }),
  'analytics, packed in a form': (random) => ({
    host: 'app.example-analytics.com',
    path: '/e/',
    body: Buffer.from(
      `data=${encodeURIComponent(gzipSync(JSON.stringify({ event: identifier(random), id: uuid(random), at: random(1e9), page: prose(random) })).toString('base64'))}&compression=gzip-js`,
    ),
  }),
  'analytics, base64 of JSON': (random) => ({
    host: 'app.example-analytics.com',
    path: '/track',
    query: `data=${encodeURIComponent(json({ event: identifier(random), distinct_id: uuid(random), time: random(1e9), note: prose(random) }).toString('base64'))}`,
  }),
  'webpack chunks': (random) => ({
    host: 'cdn.example.com',
    path: `/_next/static/chunks/${random(9999)}-${hex(16, random)}.js`,
    fields: {
      ...browserFields(random),
      Referer: `https://example.com/_next/static/${signs(`${BASE62}_-`, 21, random)}/`,
    },
  }),
  'identifiers in JSON': (random) => ({
    host: 'api.example.com',
    path: `/v2/objects/${hex(24, random)}`,
    fields: browserFields(random),
    body: json(
      Array.from({ length: 30 }, () => ({
        uuid: uuid(random),
        ulid: `01${signs(CROCKFORD, 24, random)}`,
        nanoid: signs(`${BASE62}_-`, 21, random),
        cuid: `c${signs(`${LETTERS}${DIGITS}`, 24, random)}`,
        sha1: hex(40, random),
        md5: hex(32, random),
        etag: `"${hex(32, random)}-${random(20)}"`,
        ksuid: signs(BASE62, 27, random),
        snowflake: signs('123456789', 19, random),
      })),
    ),
  }),
  'hashes in text': (random) => ({
    host: 'paste.example.com',
    path: '/new',
    body: Buffer.from(
      many(
        25,
        () =>
          `${hex(64, random)}  ${identifier(random)}.tar.gz\nsha1:${hex(40, random)} ${hex(128, random)} sha384-${signs(BASE64, 64, random)}\n`,
      ),
    ),
  }),
  'Kubernetes objects': (random) => ({
    host: 'k8s.example.com',
    path: `/api/v1/namespaces/${identifier(random)}/pods/${identifier(random)}-${signs('bcdfghjklmnpqrstvwxz2456789', 10, random)}-${signs('bcdfghjklmnpqrstvwxz2456789', 5, random)}/log`,
    body: json({
      metadata: {
        uid: uuid(random),
        resourceVersion: `${random(1e9)}`,
        labels: { 'pod-template-hash': hex(10, random) },
      },
      spec: {
        containers: [
          {
            image: `r.example.com/a/b@sha256:${hex(64, random)}`,
            env: [
              {
                name: 'API_KEY',
                valueFrom: { secretKeyRef: { name: `${identifier(random)}-secret`, key: 'token' } },
              },
            ],
          },
        ],
      },
    }),
  }),
  'signed links': (random) => ({
    host: 'cdn.example.com',
    path: `/${uuid(random)}/${identifier(random)}.mp4`,
    query: `Expires=${random(2e9)}&v=${hex(16, random)}&w=${random(4000)}&tok=${hex(40, random)}&h=${signs(`${BASE62}_-`, 43, random)}`,
  }),
  'multipart with text': (random) => ({
    host: 'api.example.com',
    path: '/v1/files',
    body: multipart('notes.md', Buffer.from(code(oneOf(Object.keys(CODE), random), 20, random)), random),
  }),
  'text, gzip': (random) => ({
    host: 'logs.example.com',
    path: '/ingest',
    fields: { 'Content-Encoding': 'gzip' },
    body: gzipSync(code('a shell session', 40, random)),
  }),
  'text, gzip, undeclared': (random) => ({
    host: 'logs.example.com',
    path: '/ingest',
    body: gzipSync(code('stack traces', 40, random)),
  }),
  'code in a stream': (random) => ({
    host: 'api.example.com',
    path: '/v1/stream',
    chunked: true,
    body: Buffer.from(code(oneOf(Object.keys(CODE), random), 60, random)),
  }),
  'signed links with policies': (random) => ({
    host: `${identifier(random)}.storage.example.com`,
    path: `/${hex(2, random)}/${hex(64, random)}`,
    query: `Policy=${json({ Statement: [{ Resource: `https://${identifier(random)}.example.com/*`, Condition: { DateLessThan: random(2e9) } }] }).toString('base64url')}&Signature=${signs(`${BASE62}_-`, 344, random)}&X-Goog-Signature=${hex(512, random)}&Key-Pair-Id=K${signs('ABCDEFGHJKLMNPQRSTUVWXYZ0123456789', 13, random)}`,
  }),
  'single sign-on': (random) => ({
    host: 'login.example.com',
    path: '/saml2',
    query: `SAMLRequest=${encodeURIComponent(signs(BASE64, 900 + random(1800), random))}&RelayState=${signs(`${BASE62}_-`, 200, random)}&state=${signs(`${BASE62}_-`, 43, random)}`,
  }),
  'hosts of clouds': (random) => ({
    host: oneOf(
      [
        `d${signs(`${LETTERS}${DIGITS}`, 13, random)}.cloudfront.net`,
        `${hex(40, random)}.preview.example.app`,
        `pub-${hex(32, random)}.r2.dev`,
        `${identifier(random)}-git-${identifier(random)}-${identifier(random)}-team.vercel.app`.toLowerCase(),
        `${identifier(random).toLowerCase()}-${signs(`${LETTERS}${DIGITS}`, 10, random)}-uc.a.run.app`,
        `${uuid(random)}.sessions.example.com`,
        `${hex(32, random)}.safeframe.example.com`,
      ],
      random,
    ),
    path: `/${identifier(random)}`,
    fields: browserFields(random),
  }),
  'lists of identifiers in a query': (random) => ({
    host: 'api.example.com',
    path: '/v1/items',
    query: `ids=${Array.from({ length: 20 + random(150) }, () => uuid(random)).join(',')}`,
  }),
  'chat in other languages': (random) =>
    chat(
      random,
      toolTurn(
        random,
        many(12, () => `${oneOf(LANGUAGES, random)} ${identifier(random)} ${hex(8, random)}\n`),
      ),
    ),
  ...BINARY_FAMILIES,
  ...chats,
}
