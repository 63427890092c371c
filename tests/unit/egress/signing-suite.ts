/**
 * Of the published test suite of Signature Version 4: requests, and the signatures that AWS says they have. Source:
 * github.com/awslabs/aws-c-auth, tests/aws-signing-test-suite/v4 (Apache-2.0), the suite that the General Reference of
 * AWS had; the two of forms are in the older edition that the AWS SDK for JavaScript runs (its `suite.fixture`).
 */
import type { Signable } from '../../../sidecars/egress/secrets/signing.ts'

export const suiteKey = {
  accessKey: 'AKIDEXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
}
export const suiteDate = new Date('2015-08-30T12:36:00Z')

export interface Vector {
  readonly name: string
  readonly request: Partial<Signable>
  readonly sessionToken?: string
  readonly signedHeaders: string
  readonly signature: string
}

const PLAIN = 'host;x-amz-date'
const MINE = 'host;my-header1;x-amz-date'
const UNRESERVED = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const form = (type: string): Partial<Signable> => ({
  method: 'POST',
  headers: { 'content-type': type },
  body: Buffer.from('Param1=value1'),
})

const row = (
  name: string,
  request: Partial<Signable>,
  signedHeaders: string,
  signature: string,
  sessionToken?: string,
): Vector => ({
  name,
  request,
  signedHeaders,
  signature,
  ...(sessionToken !== undefined && { sessionToken }),
})

// prettier-ignore
export const vectors: readonly Vector[] = [
  row('get-vanilla', {}, PLAIN, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'),
  row('post-vanilla', { method: 'POST' }, PLAIN, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'),
  row('get-header-key-duplicate', { headers: { 'my-header1': 'value2,value2,value1' } }, MINE, 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea'),
  row('get-header-value-order', { headers: { 'my-header1': 'value4,value1,value3,value2' } }, MINE, '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01'),
  row('get-header-value-trim', { headers: { 'my-header1': ' value1', 'my-header2': ' "a   b   c"' } }, 'host;my-header1;my-header2;x-amz-date', 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736'),
  row('post-header-value-case', { method: 'POST', headers: { 'my-header1': 'VALUE1' } }, MINE, 'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d'),
  row('get-unreserved', { path: `/${UNRESERVED}` }, PLAIN, '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f'),
  row('get-utf8', { path: '/\u1234' }, PLAIN, '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'),
  row('get-slashes-normalized', { path: '//example//' }, PLAIN, '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84'),
  row('get-space-normalized', { path: '/example space/' }, PLAIN, '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741'),
  row('get-vanilla-query-order-key-case', { query: 'Param2=value2&Param1=value1' }, PLAIN, 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'),
  row('get-vanilla-query-order-encoded', { query: 'Param-3=Value3&Param=Value2&%E1%88%B4=Value1' }, PLAIN, '371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac'),
  row('get-vanilla-query-unreserved', { query: `${UNRESERVED}=${UNRESERVED}` }, PLAIN, '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197'),
  row('get-vanilla-utf8-query', { query: '%E1%88%B4=bar' }, PLAIN, '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04'),
  row('post-x-www-form-urlencoded', form('application/x-www-form-urlencoded'), 'content-type;host;x-amz-date', 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a'),
  row('post-x-www-form-urlencoded-parameters', form('application/x-www-form-urlencoded; charset=utf8'), 'content-type;host;x-amz-date', '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe'),
  row('get-vanilla-with-session-token', {}, 'host;x-amz-date;x-amz-security-token', '07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8', '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267'),
]
