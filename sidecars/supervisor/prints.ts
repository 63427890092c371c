/** The one place where a print of a value that is kept elsewhere becomes a type. */
import type { ForeignPrint } from '../../src/model/known.ts'
import { fields, textOf, whole } from '../control/decode.ts'

export function decodePrint(value: unknown, at: string): ForeignPrint {
  const found = fields(value, at, ['length', 'glimpse', 'tail', 'digest'])
  return {
    length: whole(found['length'], `${at}.length`, 1, 8 * 1024 * 1024),
    glimpse: whole(found['glimpse'], `${at}.glimpse`, 0, 0xffff),
    tail: whole(found['tail'], `${at}.tail`, -0x8000_0000, 0x7fff_ffff),
    digest: textOf(/^[0-9a-f]{32}$/)(found['digest'], `${at}.digest`),
  }
}
