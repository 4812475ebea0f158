/* Measures one network in this process: `node probe_network.js '{"model":{"name":"semantic_fpn"},"batch":4,...}'`. */
import { isTuneError } from '../errors.ts'
import { networkCost, type NetworkLoad } from '../models/network_cost.ts'

try {
  const cost = await networkCost(JSON.parse(process.argv[2] ?? '') as NetworkLoad)
  process.stdout.write(JSON.stringify({ cost }))
} catch (error) {
  if (!isTuneError(error)) throw error
  const { code, message, hint } = error
  process.stdout.write(JSON.stringify({ refusal: { code, message, hint } }))
}
