import type { Attributes, Node, Program } from './graph.ts'

/** A program without what none of its outputs needs: onnxruntime would run it all the same. */
export function live(program: Program): Program {
  const needed = new Set(program.outputs.map(({ tensor }) => tensor.name))
  const nodes: Node[] = []
  for (const node of program.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue
    for (const name of namesReadBy(node)) needed.add(name)
    nodes.push(node)
  }
  return {
    ...program,
    nodes: nodes.toReversed().map(withLiveBodies),
    constants: program.constants.filter(({ name }) => needed.has(name)),
  }
}

/** Also what the body of a loop reads: it sees all that stands around it. */
function namesReadBy({ inputs, attributes }: Node): readonly string[] {
  const inner = bodiesOf(attributes).flatMap(([, body]) => [
    ...body.nodes.flatMap(namesReadBy),
    ...body.outputs.map(({ tensor }) => tensor.name),
  ])
  return [...inputs, ...inner]
}

function withLiveBodies(node: Node): Node {
  const bodies = bodiesOf(node.attributes)
  if (bodies.length === 0) return node
  return { ...node, attributes: { ...node.attributes, ...Object.fromEntries(bodies.map(([name, body]) => [name, live(body)])) } } // prettier-ignore
}

function bodiesOf(attributes: Attributes): readonly (readonly [string, Program])[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    return typeof value === 'object' && 'nodes' in value ? [[name, value] as const] : []
  })
}
