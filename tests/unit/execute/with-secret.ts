import type { Desired } from '../../../src/resources/desired.ts'

/** The same stack with a bearer credential on every route. */
export function withSecret(desired: Desired, name: string): Desired {
  const secret = `env:${name}`
  return {
    ...desired,
    secrets: { [secret]: { from: 'env', name } },
    resources: desired.resources.map((resource) =>
      resource.kind === 'route'
        ? {
            ...resource,
            spec: {
              ...(resource.spec as object),
              auth: { scheme: 'bearer', secret },
              secretRefs: { [secret]: { from: 'env', name } },
              credential: 'present',
            },
          }
        : resource,
    ),
  }
}
