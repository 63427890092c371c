/** Every rule that an entry of `egress.allow_findings` can name. */
import type { CarryingRule } from '../../../sidecars/detect/carrying.ts'
import { INBOUND_RULES } from '../../../sidecars/detect/inbound/scan.ts'
import type { PersonalRule } from '../../../sidecars/detect/personal.ts'
import type { Opaque } from '../../../sidecars/detect/reading.ts'
import { SHAPES } from '../../../sidecars/detect/shapes/shape.ts'

const OTHERS = {
  canary: true,
  'exfiltration/label': true,
  'exfiltration/target': true,
  'personal/card': true,
  'personal/iban': true,
  'personal/mnemonic': true,
  'personal/wallet': true,
  'personal/wallet-key': true,
  'uninspectable/cut': true,
  'uninspectable/damaged': true,
  'uninspectable/encrypted': true,
  'uninspectable/nested': true,
  'uninspectable/no-room': true,
  'uninspectable/too-large': true,
} as const satisfies Readonly<
  Record<'canary' | CarryingRule | PersonalRule | `uninspectable/${Opaque['opaque'] | 'no-room'}`, true>
>

/** Without those of a known value, `secret/ID` and `placeholder/ID`, of which each manifest has its own. */
export const FINDING_RULES: readonly string[] = [
  ...SHAPES.map(({ id }) => `token/${id}`),
  ...INBOUND_RULES,
  ...Object.keys(OTHERS),
]
