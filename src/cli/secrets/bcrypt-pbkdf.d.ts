/** The one function that `unlock.ts` uses: OpenBSD's `bcrypt_pbkdf`. Fills `key`; 0 where it could. */
declare module 'bcrypt-pbkdf' {
  export function pbkdf(
    passphrase: Uint8Array,
    passphraseLength: number,
    salt: Uint8Array,
    saltLength: number,
    key: Uint8Array,
    keyLength: number,
    rounds: number,
  ): number
}
