/** Where HTTP/2 is offered to an agent. Apart from what speaks it, which is loaded with the first connection that does. */
import type { RoutePolicy } from '../../../src/model/policy.ts'

/** A signature is made for the bytes of HTTP/1.1 when the whole body is there: such a route stays with that. */
export const speaksH2 = ({ protocols, auth }: RoutePolicy): boolean =>
  protocols?.includes('h2') === true && auth?.scheme !== 'aws-sigv4'
