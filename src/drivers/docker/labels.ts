/**
 * Marks on everything this driver makes. Labels cannot change after creation, so they hold only what is fixed then;
 * every one of ours is set in each create call, because an image's own labels are inherited and never believed.
 */
import { LABELS, LABEL_PREFIX } from '../../model/names.ts'
import type { Address } from '../../model/address.ts'
import type { Ownership } from '../../model/resource.ts'

/** What an object is within its address. */
export const PARTS = [
  'holder',
  'agent',
  'bundle',
  'uplink',
  'network',
  'work',
  'home',
  'socket',
  'tools',
  'step',
  'image',
  'frozen',
  'stage',
] as const
export type Part = (typeof PARTS)[number]

/** Marks only this driver knows. */
export const DOCKER_LABELS = {
  part: `${LABEL_PREFIX}part`,
  /** Address of the image resource an agent was made from. */
  image: `${LABEL_PREFIX}image`,
  /** Input digest of the image, as desired at creation. */
  imageDigest: `${LABEL_PREFIX}image-digest`,
  /** Engine id of the image, as it was at creation: another one is another image. */
  imageId: `${LABEL_PREFIX}image-id`,
  /** Of a frozen image: tag of the image that its bottle began from. */
  frozenFrom: `${LABEL_PREFIX}frozen-from`,
  /** First of the bundle's eight daemon uids. */
  uids: `${LABEL_PREFIX}uids`,
  /** Daemons enabled in a bundle, joined with `,`. */
  daemons: `${LABEL_PREFIX}daemons`,
} as const

/** Every key that an image could carry and that must not be believed. */
export const ALL_LABELS: readonly string[] = [...Object.values(LABELS), ...Object.values(DOCKER_LABELS)]

export interface Marks {
  readonly stack: string
  readonly installation: string
  readonly address: Address
  readonly part: Part
  readonly program: string
  readonly digest?: { readonly value: string; readonly version: number }
  readonly image?: string
  readonly imageDigest?: string
  readonly imageId?: string
  readonly uids?: number
  readonly daemons?: string
}

/** All keys, always: what does not apply is the empty string, so that nothing of an image shows through. */
export function labelsOf(marks: Marks): Readonly<Record<string, string>> {
  return {
    [LABELS.stack]: marks.stack,
    [LABELS.address]: marks.address,
    [LABELS.installation]: marks.installation,
    [LABELS.digest]: marks.digest?.value ?? '',
    [LABELS.digestVersion]: marks.digest ? String(marks.digest.version) : '',
    [LABELS.program]: marks.program,
    [DOCKER_LABELS.part]: marks.part,
    [DOCKER_LABELS.image]: marks.image ?? '',
    [DOCKER_LABELS.imageDigest]: marks.imageDigest ?? '',
    [DOCKER_LABELS.imageId]: marks.imageId ?? '',
    [DOCKER_LABELS.uids]: marks.uids === undefined ? '' : String(marks.uids),
    [DOCKER_LABELS.daemons]: marks.daemons ?? '',
  }
}

type Labels = Readonly<Record<string, string>>

/** Whose an object is, judged by its labels alone. */
export function ownershipOf(
  labels: Labels,
  stack: string,
  installation: string,
): { readonly ownership: Ownership; readonly owner?: string } {
  const [labelStack, labelInstallation] = [labels[LABELS.stack], labels[LABELS.installation]]
  if (!labelStack || !labelInstallation) return { ownership: 'unmarked' }
  if (labelStack !== stack) return { ownership: 'other-stack', owner: `stack ${labelStack}` }
  if (labelInstallation !== installation)
    return { ownership: 'other-installation', owner: `installation ${labelInstallation}` }
  return { ownership: 'ours' }
}

/**
 * Whether it belongs to the stack, whichever installation made it. Labels keep the maker for ever; who may go on with a
 * stack is decided from its record, in the plan (contract.md, Several machines).
 */
export function isOfStack(ownership: Ownership): boolean {
  return ownership === 'ours' || ownership === 'other-installation'
}

export function digestLabel(
  labels: Labels,
): { readonly value: string; readonly version: number } | undefined {
  const [value, version] = [labels[LABELS.digest], labels[LABELS.digestVersion]]
  return value && version ? { value, version: Number(version) } : undefined
}
