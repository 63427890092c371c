import { describe, expect, it } from 'vitest'
import { createShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { bytesOf } from '../../../sidecars/detect/shapes/trial.ts'
import { ordinary, ORDINARY } from './shapes-texts.ts'

const scanner = createShapeScanner()
/** 26 MB in `npm run test:long`, else 2.6. */
const EACH = process.env['BOT_BOTTLE_LONG'] === '1' ? 2_000_000 : 200_000

const found = (bytes: Buffer): readonly string[] =>
  scanner.scan(bytes).hits.map(({ rule, start, end }) => `${rule} ${bytes.toString('latin1', start, end)}`)

describe('ordinary text has no token in it', () => {
  it.each(Object.keys(ORDINARY))('%s', (kind) => {
    expect(found(ordinary(kind, EACH))).toEqual([])
  })

  it.each([
    'Set MISTRAL_API_KEY in your environment, then read it with os.environ["MISTRAL_API_KEY"].',
    'const apiKey = process.env.COHERE_API_KEY ?? config.cohereApiKey',
    'export AWS_SECRET_ACCESS_KEY=$(aws configure get aws_secret_access_key)',
    'aws_secret_access_key = AKIDEXAMPLEAKIDEXAMPLE',
    'postgres://user:${DB_PASSWORD}@localhost:5432/app and postgres://localhost/app',
    'git clone https://github.com/acme/app.git; see https://acme.test:8443/@scope/package',
    'mailto:someone@example.org http://[::1]:8080/ https://a.test/x:y@z',
    'Authorization: Basic, Authorization: Bearer <token>, WWW-Authenticate: Basic realm="x"',
    'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sk-ant-api03-... AKIAXXXXXXXXXXXXXXXX xoxb-your-token',
    '-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n',
    '-----BEGIN PRIVATE KEY-----\n<your key here>\n-----END PRIVATE KEY-----',
    '"integrity": "sha512-eyJhbGciOiJIUzI1NiJ9abcdefghijklmnopqrstuvwxyz==", key-0123456789abcdef0123456789abcdef',
  ])('%s', (text) => {
    expect(found(bytesOf(text))).toEqual([])
  })
})
