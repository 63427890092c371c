/** Code, logs and listings as an agent sends them to a model: names of vendors and of secrets, never a value. */
import { signs } from '../../../sidecars/detect/samples.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'
import { prose } from './quality-places.ts'

const HEX = '0123456789abcdef'
const NOUNS =
  'user session token account order cart invoice policy route parser scanner bucket queue worker cache client server request response header secret password key credential config build deploy branch commit merge index table column row field record stream buffer socket handler'.split(
    ' ',
  )
const VERBS = 'get set load save parse render fetch push apply resolve create update remove check scan'.split(
  ' ',
)
const VENDORS =
  'mistral cohere cloudflare datadog heroku fastly linode vercel netlify railway snowflake twilio paypal algolia codecov travis snyk postmark mandrill zendesk spotify facebook launchdarkly contentful azure_openai wandb rollbar splunk aws stripe github gitlab slack openai anthropic'.split(
    ' ',
  )

export const oneOf = <Item>(items: readonly Item[], random: Random): Item => {
  const item = items[random(items.length)]
  if (item === undefined) throw new RangeError('nothing to choose from')
  return item
}
export const identifier = (random: Random): string => `${oneOf(NOUNS, random)}-${oneOf(NOUNS, random)}`

const noun = (random: Random): string => oneOf(NOUNS, random)
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
const camel = (random: Random): string =>
  `${oneOf(VERBS, random)}${capital(noun(random))}${capital(noun(random))}`
const vendor = (random: Random): string => oneOf(VENDORS, random)
const VENDOR = (random: Random): string => vendor(random).toUpperCase()
const file = (random: Random): string => `src/${noun(random)}/${camel(random)}.ts`
const hex = (length: number, random: Random): string => signs(HEX, length, random)

type Line = (random: Random) => string

/** Lines of each kind of text. */
export const CODE: Readonly<Record<string, readonly Line[]>> = {
  TypeScript: [
    (r) => `import { ${camel(r)}, type ${capital(noun(r))} } from './${noun(r)}/${noun(r)}.ts'`,
    (r) =>
      `export async function ${camel(r)}(${noun(r)}: string, options: ${capital(noun(r))}Options = {}) {`,
    (r) =>
      `  const ${noun(r)} = await ${camel(r)}({ apiKey: process.env.${VENDOR(r)}_API_KEY, token, password })`,
    (r) =>
      `  const { data: { accessToken } } = await ${vendor(r)}.${camel(r)}(\`/\${${noun(r)}.id}/\${encodeURIComponent(${noun(r)})}\`)`,
    (r) =>
      `  if (!/^[A-Za-z0-9_-]{${r(40)},${40 + r(40)}}$/.test(${noun(r)})) throw new TypeError('${prose(r)}')`,
    (r) => `  ${vendor(r)}ApiKey: config.${vendor(r)}ApiKey ?? required('${VENDOR(r)}_API_KEY'),`,
    (r) => `  headers: { Authorization: \`Bearer \${${noun(r)}Token}\`, 'X-Api-Key': ${vendor(r)}Key },`,
    (r) =>
      `  return ${noun(r)}.map(({ id, ...rest }) => ({ ...rest, ${noun(r)}: id.slice(0, ${r(9)}) })) as const`,
    (r) => `  // ${prose(r)} (see https://github.com/acme/${noun(r)}/issues/${r(9000)})`,
    () => '}',
  ],
  Python: [
    (r) => `from ${noun(r)}.${noun(r)} import ${capital(noun(r))}, ${camel(r)}`,
    (r) =>
      `def ${noun(r)}_${noun(r)}(self, ${noun(r)}: dict[str, Any], *, timeout: float = ${r(90)}.0) -> None:`,
    (r) => `    ${vendor(r)}_api_key = os.environ["${VENDOR(r)}_API_KEY"]`,
    (r) => `    ${vendor(r)}_secret = get_secret("${vendor(r)}-secret-name", default=None)`,
    (r) => `    password: str = Field(..., min_length=${r(20)}, description="${prose(r)}")`,
    (r) =>
      `    client = ${capital(vendor(r))}Client(api_key=settings.${vendor(r)}_api_key, token=self._token)`,
    (r) => `    assert hashlib.sha256(${noun(r)}).hexdigest() == "${hex(64, r)}"`,
    (r) => `    logger.info("%s %s for %s", ${noun(r)}, ${noun(r)}, request.headers.get("authorization"))`,
    (r) => `    auth = HTTPBasicAuth(${noun(r)}, getpass())  # basic authentication as ${prose(r)}`,
  ],
  diffs: [
    (r) => `diff --git a/${file(r)} b/${file(r)}\nindex ${hex(7, r)}..${hex(7, r)} 100644`,
    (r) => `--- a/${file(r)}\n+++ b/${file(r)}`,
    (r) => `@@ -${r(900)},${r(30)} +${r(900)},${r(30)} @@ export function ${camel(r)}(`,
    (r) => `-  const ${noun(r)}Token = ${camel(r)}(${noun(r)})`,
    (r) =>
      `+  const ${noun(r)}Token = await ${camel(r)}(${noun(r)}, { ${vendor(r)}Token: secrets.${vendor(r)} })`,
    (r) => `     "integrity": "sha512-${Buffer.from(hex(64, r), 'latin1').toString('base64')}",`,
    (r) => `+    uses: actions/checkout@${hex(40, r)} # v4`,
  ],
  'a shell session': [
    (r) => `$ git log --oneline -1\n${hex(7, r)} ${prose(r)}`,
    (r) => `$ export ${VENDOR(r)}_API_KEY=$(op read op://dev/${vendor(r)}/credential)`,
    (r) =>
      `$ curl -fsSL -H "Authorization: Bearer $${VENDOR(r)}_TOKEN" https://api.example.com/v1/${noun(r)}s?limit=${r(99)}`,
    (r) => `-rw-r--r-- 1 agent agent ${r(99999)} Nov 21 1${r(9)}:${10 + r(49)} ${camel(r)}.ts`,
    (r) =>
      `${hex(12, r)}   ${noun(r)}:latest   "docker-entrypoint.s…"   ${r(50)} minutes ago   Up   0.0.0.0:${r(60000)}->8080/tcp`,
    (r) => ` => [${r(9)}/9] COPY --from=build /app/${noun(r)} ./ sha256:${hex(64, r)} ${r(99)}.${r(9)}MB`,
    (r) => `npm warn deprecated ${noun(r)}@${r(9)}.${r(9)}.${r(9)}: ${prose(r)}`,
  ],
  'stack traces': [
    (r) => `TypeError: Cannot read properties of undefined (reading '${noun(r)}Token')`,
    (r) =>
      `    at async ${capital(noun(r))}.${camel(r)} (/work/node_modules/.pnpm/${noun(r)}@${r(9)}.0.${r(9)}_${hex(32, r)}/node_modules/${noun(r)}/dist/index.js:${r(999)}:${r(99)})`,
    (r) => `    at file:///work/${file(r)}?t=17${signs('0123456789', 11, r)}:${r(999)}:${r(99)}`,
    (r) =>
      `  File "/usr/lib/python3.12/site-packages/${noun(r)}/${noun(r)}.py", line ${r(999)}, in ${noun(r)}`,
    (r) => `Caused by: java.lang.IllegalStateException: ${prose(r)} [id=0x${hex(8, r)}]`,
    (r) =>
      `2026-11-21T1${r(9)}:00:00.${r(999)}Z ERROR ${noun(r)}::${noun(r)} request_id=${[8, 4, 4, 4, 12].map((length) => hex(length, r)).join('-')} status=40${r(9)}`,
  ],
  settings: [
    (r) => `${VENDOR(r)}_API_KEY=\${${VENDOR(r)}_API_KEY}`,
    (r) => `${VENDOR(r)}_SECRET=<your-${vendor(r)}-secret>`,
    (r) => `${vendor(r)}_token: {{ .Values.${vendor(r)}.token | quote }}`,
    (r) => `      ${VENDOR(r)}_TOKEN: \${{ secrets.${VENDOR(r)}_TOKEN }}`,
    (r) => `${vendor(r)}.password = "changeme"`,
    (r) => `  "${vendor(r)}ApiKey": "YOUR_API_KEY_HERE",`,
    () => 'DATABASE_URL=postgres://${DB_USER}:${DB_PASSWORD}@db:5432/app',
    (r) =>
      `resource "aws_kms_key" "${noun(r)}" { arn = "arn:aws:kms:eu-west-1:${signs('0123456789', 12, r)}:key/${hex(8, r)}" }`,
  ],
  'file listings': [
    (r) => `${file(r)}:${r(500)}:  ${camel(r)}(${noun(r)}, ${noun(r)})`,
    (r) => `./${noun(r)}/${noun(r)}-${noun(r)}/__tests__/${camel(r)}.test.tsx`,
    (r) => `100644 blob ${hex(40, r)}\t${file(r)}`,
    (r) =>
      `dist/assets/${noun(r)}-${signs('ABCDEFabcdefXYZxyz0123456789_-', 8, r)}.js  ${r(900)}.${r(99)} kB │ gzip: ${r(99)}.${r(99)} kB`,
  ],
}

export function code(kind: string, lines: number, random: Random): string {
  const written = CODE[kind]
  if (written === undefined) throw new RangeError(`no code of kind ${kind}`)
  return Array.from({ length: lines }, () => oneOf(written, random)(random)).join('\n')
}
