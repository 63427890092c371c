/**
 * Requests as an attacker or a strange client writes them: the known families of request smuggling and their
 * neighbours, combined by chance from a seed. Every text is a byte per character.
 */
import { seeded } from '../../../sidecars/detect/samples.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'

export interface Specimen {
  /** `tunnel`: inside TLS to allowed.test:443. `proxy`: absolute form. `http`: the transparent listener. */
  readonly door: 'tunnel' | 'proxy' | 'http'
  readonly text: string
}

const HOST = 'allowed.test'
const HIDDEN = `GET /hidden HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`

const HOSTS = [
  HOST, 'ALLOWED.test', 'allowed.test.', 'allowed.test..', 'allowed.test:80', 'allowed.test:443', 'allowed.test:0443', 'allowed.test:', 'allowed.test: 80', 'allowed.test:+80',
  'allowed.test:80:80', ' allowed.test', 'allowed.test ', '\tallowed.test', 'other.test', 'other.test, allowed.test', 'allowed.test, other.test', 'a@allowed.test', 'allowed.test@other.test',
  'allowed.test/', 'allowed.test/x', 'allowed.test?x', 'allowed.test#x', 'allowed.test\\x', 'allowed%2etest', 'allowed.test%00', 'allowed.test%2eother.test', 'allowed..test', '.allowed.test',
  'allowed_x.test', 'allowed\xe3\x80\x82test', '\xd0\xb0llowed.test', 'xn--llowed-2fg.test', 'allowed.test\u0000', 'allowed.test\u007f', '127.0.0.1', '0x7f.1', '2130706433', '[::1]', '[::ffff:7f00:1]', '',
  `${'a'.repeat(63)}.test`, `${'a'.repeat(64)}.test`, `${'a.'.repeat(126)}test`, 'http://allowed.test', '*.allowed.test', 'x.allowed.test', 'allowed.test\u000b', 'allowed-.test', '-allowed.test',
] // prettier-ignore

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'TRACE', 'CONNECT', 'get', 'PRI', 'G ET', 'GET\u0000', 'M-SEARCH', '', 'GE\u0080T', 'QUERY', 'X'] // prettier-ignore
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/1.', 'http/1.1', 'HTTP/1.1 ', 'HTTP/01.1', 'HTTP/1.10', 'HTTP/0.9', '', 'ICE/1.0'] // prettier-ignore
const PATHS = ['/', '/a', '/a?b=c', '/a?b=http://other.test/', '//other.test/', '/a//b', '/a/../b', '/%2e%2e/b', '/a#b', '/a b', '/\u0000', '/\u00ff', '/a?%0d%0ax:y', '*', 'other.test:80', '?x', '/a;b', '/a\\b', '/a"<>', '/\u00c3\u00a9', '/a\tb', '/a?', '/?/', '/a%2fb', '/a?b?c', "/a|b'{}"] // prettier-ignore
const SPACES = [' ', '  ', '\t', '\u000b', '\u000c', '\r', '\u00a0', ' \t', '\r\n ', '\n', '\u0000'] // prettier-ignore
const ENDS = ['\r\n', '\n', '\r', '\r\r\n', '\n\r', '\r\n\r\n', ' \r\n', '\u0085'] // prettier-ignore
const COLONS = [': ', ':', ':\t', ' : ', ' :', '\t:', ':\r\n ', ':\u000b', '\u0000:', '::', ' ', ':\u00a0'] // prettier-ignore

const LENGTHS = ['0', '3', '5', '1', '+3', '-1', '0x3', '03', '3 ', ' 3', '3,3', '3, 3', '3;3', '3.0', '3e0', '', '99999999999999999999', '18446744073709551619', '\u00ef\u00bc\u0093', '3\u0000', '3\u000b', '\u00013', '3 3', '1_0', '000000000000000003'] // prettier-ignore
const CODINGS = ['chunked', 'Chunked', 'CHUNKED', 'chunked ', ' chunked', 'chunked,', ',chunked', 'gzip, chunked', 'chunked, gzip', 'chunked, identity', 'identity', 'chunked, chunked', 'xchunked', 'chunkedx', '\u000bchunked', 'chunked\u000b', '"chunked"', 'chunked;q=1', 'chun\u0000ked', 'c hunked', 'chunKed', 'deflate', '', 'chunked\r\n ,identity', 'chu\u00e2\u0084\u00aaed'] // prettier-ignore
const LENGTH_NAMES = ['Content-Length', 'content-length', 'CONTENT-LENGTH', 'Content_Length', 'Content Length', 'Content-Length\u0000', ' Content-Length', 'X-Content-Length', 'Content-Length\u00a0', 'Content\u00adLength'] // prettier-ignore
const CODING_NAMES = ['Transfer-Encoding', 'transfer-encoding', 'Transfer_Encoding', 'Transfer-Encoding ', 'Transfer Encoding', '\tTransfer-Encoding', 'Transfer\r\n-Encoding', 'X-Transfer-Encoding', 'Transfer-Encodin\u0001', 'Tran\u00c5\u00bffer-Encoding'] // prettier-ignore
const SIZES = ['3', '03', '0x3', '+3', '-3', '3 ', ' 3', '3;a=b', '3;a="\r\n"', '3;', '3\t', '3\n', '3\r', '', '3g', 'fffffffff3', '100000003', '0000000003', '3\u0000', '3 ;x', '3;\u0000', '0_3', '\u00ef\u00bc\u0093'] // prettier-ignore
const CHUNK_ENDS = ['\r\n', '\n', '\r', '', '\r\n\r\n', 'x\r\n', '\r\r\n'] // prettier-ignore
const TRAILERS = ['', 'X: y\r\n', 'Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: other.test\r\n', 'nonsense\r\n', ' folded\r\n', 'X: y\n', 'X : y\r\n', 'X: a\u0000b\r\n', `X: ${'y'.repeat(9000)}\r\n`, '\n'] // prettier-ignore
const FIELDS = ['Accept: */*', 'X: a\r\n folded', 'X: a\r\n\tfolded', ' X: folded first', 'X: a\rTransfer-Encoding: chunked', 'X: a\nTransfer-Encoding: chunked', 'X: a\u0000b', 'X: \u00e9', 'X:', ': x', 'nonsense', 'Expect: 100-continue', 'Expect: 100-Continue', 'Expect: 200-ok', 'Expect: 100-continue, 100-continue', 'Connection: close', 'Connection: keep-alive', 'Connection: Content-Length', 'Connection: Transfer-Encoding, Host', 'Connection: X, close', 'Upgrade: h2c', 'Upgrade: websocket', 'Proxy-Connection: keep-alive', 'TE: trailers', 'Trailer: X', 'X-Forwarded-Host: other.test', 'X-HTTP-Method-Override: DELETE', 'Content-Encoding: gzip', 'Keep-Alive: timeout=5', 'Forwarded: host=other.test', 'X\u007f: y', 'Max-Forwards: 0', 'HTTP2-Settings: x', 'Content-Type: application/x-www-form-urlencoded'] // prettier-ignore

/** Chance; the calmer, the fewer strange things in one specimen. */
interface Dice {
  readonly random: Random
  readonly calm: number
}

/** The same ones for the same seed. */
export function corpus(seed: string, count: number): readonly Specimen[] {
  const random = seeded(seed)
  return Array.from({ length: count }, () => specimen({ random, calm: [1, 4, 12][random(3)] ?? 1 }))
}

const oneOf = <T>(dice: Dice, values: readonly [T, ...T[]] | readonly T[]): T =>
  values[dice.random(values.length)] as T
/** Mostly the plain one, so that what is strange is read in an otherwise plain request. */
const rarely = <T>(dice: Dice, of: number, plain: T, strange: readonly T[]): T =>
  dice.random(of * dice.calm) === 0 ? oneOf(dice, strange) : plain

function specimen(dice: Dice): Specimen {
  const door = oneOf(dice, ['tunnel', 'proxy', 'http'] as const)
  const count = 1 + rarely(dice, 4, 0, [1, 2])
  let text = ''
  for (let index = 0; index < count; index++) text += request(dice, door)
  if (dice.random(3) === 0) text += HIDDEN
  return { door, text: dice.random(6) === 0 ? scarred(dice, text) : text }
}

function request(dice: Dice, door: Specimen['door']): string {
  const host = rarely(dice, 4, HOST, HOSTS)
  const path = rarely(dice, 5, '/a', PATHS)
  const absolute = rarely(dice, 4, `http://${HOST}`, [`http://${host}`, `HTTP://${HOST}`, `https://${HOST}`, `http:/${HOST}`, `http:///${HOST}`, `http://${HOST}:80`, `http://a@${HOST}`, '', HOST, `http://${HOST}\\@other.test`, 'http://other.test']) // prettier-ignore
  const target = door === 'proxy' ? `${absolute}${path}` : rarely(dice, 12, path, [`http://other.test${path}`, `http://${HOST}${path}`]) // prettier-ignore
  const space = (): string => rarely(dice, 25, ' ', SPACES)
  const end = (): string => rarely(dice, 30, '\r\n', ENDS)
  const method = rarely(dice, 8, oneOf(dice, ['GET', 'POST']), METHODS)
  const lines = [`${method}${space()}${target}${space()}${rarely(dice, 12, 'HTTP/1.1', VERSIONS)}`]
  const field = (name: string, value: string): string => `${name}${rarely(dice, 25, ': ', COLONS)}${value}`
  const hosts = [field('Host', rarely(dice, 8, host, HOSTS))]
  if (dice.random(20) === 0) hosts.push(field('Host', oneOf(dice, HOSTS)))
  if (dice.random(25) === 0) hosts.pop()
  const fields = Array.from({ length: dice.random(3) }, () => oneOf(dice, FIELDS))
  const { framing, body } = framed(dice, field)
  const all = [...hosts, ...fields, ...framing]
  if (dice.random(3) === 0) all.reverse()
  for (const line of all) lines.push(line)
  return `${rarely(dice, 40, '', ['\r\n', '\n', ' ', '\u0000'])}${lines.map((line) => line + end()).join('')}${end()}${body}`
}

interface Framed {
  readonly framing: readonly string[]
  readonly body: string
}

function framed(dice: Dice, field: (name: string, value: string) => string): Framed {
  const length = (plain: string): string =>
    field(rarely(dice, 6, 'Content-Length', LENGTH_NAMES), rarely(dice, 3, plain, LENGTHS))
  const coding = (): string =>
    field(rarely(dice, 6, 'Transfer-Encoding', CODING_NAMES), rarely(dice, 3, 'chunked', CODINGS))
  const chunks = chunked(dice)
  switch (dice.random(8)) {
    case 0:
    case 1:
      return { framing: [], body: dice.random(6) === 0 ? 'abc' : '' }
    case 2:
    case 3:
      return { framing: [length('3')], body: 'abc' }
    case 4:
    case 5:
      return { framing: [coding()], body: chunks }
    case 6:
      return {
        framing: [length(String(chunks.length)), coding()],
        body: oneOf(dice, [chunks, 'abc', `0\r\n\r\n${HIDDEN}`]),
      }
    default:
      return {
        framing: oneOf(dice, [
          [length('3'), length('5')],
          [length('3'), length('3')],
          [coding(), coding()],
          [coding(), field('Transfer-Encoding', 'identity'), length('5')],
        ]),
        body: oneOf(dice, ['abc', 'abcde', chunks]),
      }
  }
}

function chunked(dice: Dice): string {
  const size = (): string => rarely(dice, 5, '3', SIZES)
  const end = (): string => rarely(dice, 12, '\r\n', CHUNK_ENDS)
  let text = ''
  // More than a scan holds back, so that some of it has gone out when the rest turns out to be wrong.
  if (dice.random(4) === 0) text += `1388\r\n${'y'.repeat(5000)}\r\n`
  for (let count = dice.random(3); count > 0; count--) text += `${size()}${end()}abc${end()}`
  return `${text}${rarely(dice, 12, '0', ['00', '0;x', '', '-0', '0x0', '000000000'])}${end()}${rarely(dice, 5, '', TRAILERS)}${end()}`
}

const SCARS = ['', '\r', '\n', '\r\n', '\0', ' ', '\t', ':', ',', ';', '\u00ff', '\u000b', 'x']

/** One or two bytes taken out, put in or doubled, anywhere. */
function scarred(dice: Dice, text: string): string {
  let hurt = text
  for (let count = 1 + dice.random(2); count > 0; count--) {
    const at = dice.random(hurt.length + 1)
    hurt = `${hurt.slice(0, at)}${oneOf(dice, SCARS)}${hurt.slice(at + dice.random(2))}`
  }
  return hurt
}
