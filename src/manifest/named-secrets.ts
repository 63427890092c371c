/** Every reference of a manifest by its id: one id is one secret, whichever file says it. */
import type { Place } from '../model/diagnostic.ts'
import { digestOf } from '../model/json.ts'
import type { SecretRef } from '../model/secret.ts'
import { quoted, type Report } from './report.ts'
import type { NamedSecret } from './secret-ref.ts'

export function nameSecret(
  { id, ref }: NamedSecret,
  place: Place,
  secrets: Map<string, SecretRef>,
  report: Report,
): void {
  const known = secrets.get(id)
  if (known && digestOf(known) !== digestOf(ref)) {
    report.error(
      'ambiguous-path',
      place,
      `${quoted(id.replace('file:', ''))} means another file here than in another manifest file`,
      'write one of the two paths otherwise, for example absolute',
    )
  }
  secrets.set(id, ref)
}
