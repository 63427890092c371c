/** The one part of node-forge we load: the whole package costs ten times the memory. */
declare module 'node-forge/lib/asn1.js' {
  import { asn1 } from 'node-forge'
  export default asn1
}
