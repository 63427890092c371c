import { describe, expect, it } from 'vitest'
import { plan } from '../../../src/reconcile/plan.ts'
import { desiredOf, OPTIONS, worldOf } from './stacks.ts'

const desired = desiredOf({ ann: { routes: { 'api.one.example': [] } } })
const theirs = (() => {
  const world = worldOf(desiredOf({ ann: { routes: {} } }))
  const objects = world.objects.map((object) =>
    object.kind === 'image'
      ? object
      : ({ ...object, ownership: 'other-installation', owner: 'installation eve' } as const),
  )
  return { ...world, objects }
})()

describe('a stack that another installation made', () => {
  it('shows what would be done, and refuses to do it', () => {
    const made = plan({ desired, snapshot: { ...theirs, record: { status: 'absent' } }, options: OPTIONS })
    expect(made.actions.map((action) => `${action.verb} ${action.address}`)).toContain(
      'create route/ann/api.one.example',
    )
    expect(made.notes).toEqual(['applied last from installation eve; this is me'])
    expect(made.refusal).toMatchObject({ code: 'other-owner' })
  })

  it('is gone on with after --take-over', () => {
    const snapshot = { ...theirs, record: { status: 'absent' } as const }
    expect(plan({ desired, snapshot, options: { ...OPTIONS, takeOver: true } }).refusal).toBeUndefined()
  })

  it('is ours once its record says so, whatever its labels say', () => {
    expect(plan({ desired, snapshot: theirs, options: OPTIONS }).refusal).toBeUndefined()
  })
})
