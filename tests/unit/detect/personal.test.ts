import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { WORDS } from '../../../sidecars/detect/mnemonic-words.ts'
import { personalIn } from '../../../sidecars/detect/personal.ts'

const found = (text: string): readonly string[] => personalIn(Buffer.from(text)).map(({ rule }) => rule)

/** Digits and the one that Luhn asks for; put together, so that no card number stands in the repository. */
function card(digits: string): string {
  for (let check = 0; check < 10; check++) {
    const sum = [...`${digits}${check}`].reverse().reduce((all, digit, at) => {
      const value = Number(digit) * (at % 2 === 1 ? 2 : 1)
      return all + (value > 9 ? value - 9 : value)
    }, 0)
    if (sum % 10 === 0) return `${digits}${check}`
  }
  throw new Error('Luhn gives one digit')
}
function phrase(bytes: number, seed: string): readonly string[] {
  const entropy = createHash('sha512').update(seed).digest().subarray(0, bytes)
  const [check = 0] = createHash('sha256').update(entropy).digest()
  const bits = [...entropy, check].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const words = WORDS()
  return Array.from(
    { length: (bytes * 3) / 4 },
    (_, place) => words[Number.parseInt(bits.slice(place * 11, place * 11 + 11), 2)] ?? '',
  )
}
const visa = card('453957876362148')
const amex = card('37144963539812')
const grouped = visa.replaceAll(/(....)(?=.)/g, '$1 ')
/** Of the standards: BIP-32, BIP-173, BIP-350, the first block, and the SWIFT registry. */
const IBAN = ['DE89', '370400440532013000'].join('')
const ADDRESS = ['1A1zP1eP5QGefi2DMPT', 'fTL5SLmv7DivfNa'].join('')
const BECH32 = ['bc1qw508d6qejxtdg4y5r3', 'zarvary0c5xw7kv8f3t4'].join('')
const BECH32M = ['bc1p0xlxvlhemja6c4dqv22uapctqup', 'fhlxm9h8z3k2e72q4k9hcz7vqzk5jj0'].join('')
const WIF = ['5HueCGU8rMjxEXxiPuD5BDku4M', 'kFqeZyd4dZ1jvhTVqvbTLvyTJ'].join('')
const XPRV = [
  'xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKm',
  'PGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi',
].join('')

describe('Personal and financial data is found:', () => {
  const TRUE: Readonly<Record<string, readonly [string, string]>> = {
    'a card': ['personal/card', `"number":"${visa}"`],
    'a card in groups': ['personal/card', `pay with ${grouped}, please`],
    'a card with hyphens': ['personal/card', grouped.replaceAll(' ', '-')],
    'a card of fifteen digits': [
      'personal/card',
      `${amex.slice(0, 4)} ${amex.slice(4, 10)} ${amex.slice(10)}`,
    ],
    'a bank account': ['personal/iban', `iban=${IBAN}`],
    'a bank account in groups': ['personal/iban', IBAN.replaceAll(/(....)(?=.)/g, '$1 ')],
    'a phrase of twelve words': ['personal/mnemonic', phrase(16, 'a').join(' ')],
    'a phrase of twenty-four words': ['personal/mnemonic', `seed: ${phrase(32, 'b').join(' ')}.`],
    'a phrase as a numbered list': [
      'personal/mnemonic',
      phrase(16, 'c')
        .map((word, at) => `${at + 1}. ${word}`)
        .join('\n'),
    ],
    'a phrase in JSON': ['personal/mnemonic', JSON.stringify(phrase(20, 'd'))],
    'a phrase behind other words': ['personal/mnemonic', `about ability ${phrase(16, 'e').join(' ')} zoo`],
    'an address of Bitcoin': ['personal/wallet', `to ${ADDRESS}.`],
    'an address of Bitcoin, bech32': ['personal/wallet', `bitcoin:${BECH32}?amount=1`],
    'an address of Bitcoin, bech32m': ['personal/wallet', BECH32M],
    'an address of Ethereum': ['personal/wallet', `0x${'52908400098527886e0f7030069857d2e4169ee7'}`],
    'a key of a wallet': ['personal/wallet-key', WIF],
    'an extended key': ['personal/wallet-key', XPRV],
  }
  for (const [name, [rule, text]] of Object.entries(TRUE)) {
    // oxlint-disable-next-line vitest/valid-title -- the title is the row's
    it(name, () => expect(found(text)).toEqual([rule]))
  }

  it('by where it stands', () => {
    const [hit] = personalIn(Buffer.from(`ab ${grouped} cd`))
    expect(hit).toEqual({ rule: 'personal/card', start: 3, end: 3 + grouped.length })
  })

  it('in a stream only where nothing that follows can change it', () => {
    const long = Buffer.from(`${visa} ${'x'.repeat(600)} ${visa}`)
    expect(personalIn(long, false).map(({ start }) => start)).toEqual([0])
    expect(personalIn(long, true, '7')).toHaveLength(1)
  })
})

describe('Nothing is found in', () => {
  const changed = (text: string, at: number): string =>
    `${text.slice(0, at)}${text[at] === '2' ? '3' : '2'}${text.slice(at + 1)}`
  it.each([
    ['a card with a wrong digit', changed(visa, 9)],
    ['a card that is printed in documents', '4242 4242 4242 4242'],
    ['a number of another issuer', card('153957876362148')],
    ['a card within a longer number', `1${visa}`],
    ['a card within an identifier', `id-${visa}`],
    ['a fraction', `0.${visa}`],
    ['a bank account with a wrong digit', changed(IBAN, 12)],
    ['a bank account of no country', `XX${IBAN.slice(2)}`],
    ['a phrase with two words changed about', phrase(32, 'x').toReversed().join(' ')],
    ['the first words of the list', WORDS().slice(0, 10).join(' ')],
    ['an address with a wrong sign', changed(ADDRESS, 20)],
    ['a bech32 address with a wrong sign', changed(BECH32, 20)],
    ['a fingerprint', `0x${'52908400098527886E0F7030069857D2E4169EE7'}`],
    ['a hash', '52908400098527886e0f7030069857d2e4169ee752908400098527886e0f7030'],
    ['a timestamp in microseconds', '1763733600123456'],
  ])('%s', (_, text) => {
    expect(found(text)).toEqual([])
  })
})
