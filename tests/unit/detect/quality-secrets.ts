/** The true half of the corpus: secrets of a bottle and tokens of every shape, written in every way, in every place. */
import { fingerprints } from '../../../sidecars/detect/fingerprint.ts'
import { KnownSecrets } from '../../../sidecars/detect/known.ts'
import type { Detectors } from '../../../sidecars/detect/look.ts'
import { signs } from '../../../sidecars/detect/samples.ts'
import type { Random } from '../../../sidecars/detect/samples.ts'
import { createShapeScanner } from '../../../sidecars/detect/shapes/scanner.ts'
import { SHAPES } from '../../../sidecars/detect/shapes/shape.ts'
import { ENCODINGS } from './quality-encodings.ts'
import type { Encoding } from './quality-encodings.ts'
import { fits, PLACES, seededRandom } from './quality-places.ts'
import type { Sent } from './quality-places.ts'
import { samplesOf } from '../../../sidecars/detect/shapes/trial.ts'

export const SEED = 'bot-bottle detection 1'

const HEX = '0123456789abcdef'
const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const PUNCTUATION = '!#$%&*+-./:;<=>?@^_~,()"\'\\'

/** What a user's reference may give. Each has ten letters and digits or more. */
const FORMS: Readonly<Record<string, (random: Random) => string>> = {
  hexadecimal: (random) => signs(HEX, 32 + random(33), random),
  base62: (random) => signs(BASE62, 20 + random(41), random),
  base64: (random) =>
    Buffer.from(Array.from({ length: 25 + random(20) }, () => random(256))).toString('base64'),
  'a password': (random) =>
    Array.from({ length: 10 + random(12) }, () =>
      random(3) === 0 ? signs(PUNCTUATION, 1, random) + signs(BASE62, 1, random) : signs(BASE62, 1, random),
    ).join(''),
  'like a UUID': (random) => [8, 4, 4, 4, 12].map((length) => signs(HEX, length, random)).join('-'),
}
const OF_EACH_FORM = 12

export interface Secret {
  readonly kind: 'known' | 'token'
  /** Form, or shape. */
  readonly of: string
  readonly text: Buffer
  /** Its shape does not let it stand directly behind a slash. */
  readonly notInPath?: boolean
  /** What names it. */
  readonly rule: string
}

const formed = Object.entries(FORMS).flatMap(([form, write]) =>
  Array.from({ length: OF_EACH_FORM }, (_, index) => ({
    form,
    id: `env:S_${form.toUpperCase().replaceAll(/\W/g, '_')}_${index}`,
    value: write(seededRandom(SEED, form, index)),
  })),
)
const KNOWN: readonly Secret[] = formed.map(({ form, id, value }) => ({
  kind: 'known',
  of: form,
  text: Buffer.from(value),
  rule: `secret/${id}`,
}))
export const TOKENS: readonly Secret[] = SHAPES.flatMap((shape) =>
  samplesOf(shape, 'true').map((text): Secret => ({
    kind: 'token',
    of: shape.id,
    text: Buffer.from(text, 'latin1'),
    rule: `token/${shape.id}`,
    notInPath: shape.before?.includes('/') === true,
  })),
)

const key = Buffer.alloc(32, 5)
const shapes = createShapeScanner()

/** What one bottle with sixty secrets has. */
export const BOTTLE: Detectors = {
  known: new KnownSecrets(
    key,
    formed.flatMap(({ id, value }) => fingerprints(key, id, value)),
  ),
  shapes,
}

/** One bottle with one secret. */
export const bottleOf = (value: string): Detectors => ({
  known: new KnownSecrets(key, fingerprints(key, 'env:ONE', value)),
  shapes,
})

export interface TrueSample {
  readonly secret: Secret
  readonly encoding: string
  readonly place: string
  readonly sent: Sent
  readonly random: Random
}

/** Of `of` equal parts the `part`th; parts hold every encoding, every place and every shape. */
export function* trueSamples(part: number, of: number): Generator<TrueSample> {
  for (const [row, encoding] of ENCODINGS.entries())
    for (const [column, secret] of secretsFor(encoding).entries()) {
      if ((row + column) % of !== part) continue
      yield* samplesFor(secret, encoding, row + Math.floor(column / of))
    }
}

function secretsFor({ of }: Encoding): readonly Secret[] {
  return of === 'known' ? KNOWN : [...KNOWN, ...TOKENS]
}

/** A known secret in three places, a token in one. */
function* samplesFor(secret: Secret, encoding: Encoding, turn: number): Generator<TrueSample> {
  const random = seededRandom(SEED, secret.rule, encoding.name, turn)
  const carried = encoding.write(secret.text, random)
  const places = PLACES.filter(
    (place) => fits(place, carried, encoding) && !(secret.notInPath === true && place.name === 'path'),
  )
  const count = secret.kind === 'known' ? 3 : 1
  for (let index = 0; index < count; index++) {
    const place = places[(turn + index * 5) % places.length]
    if (place === undefined) throw new RangeError(`no place for ${encoding.name}`)
    yield { secret, encoding: encoding.name, place: place.name, sent: place.put(carried, random), random }
  }
}
