import { inLayer, misfit, sameShape, scalar, type Pullback, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'

/**
 * Makes an operation differentiable: says, for every input that may need a gradient, how to get it from the output's.
 * With `y = onnx.exp(x)`, all of the exponential is `differentiable(y, [x, (dy) => onnx.mul(dy, y)])`. Ways back that
 * no parameter needs, such as that to the images, are never written.
 */
export function differentiable(output: Tensor, ...inputs: readonly (readonly [Tensor, Pullback])[]): Tensor {
  const { graph } = output
  const tracked = inputs.filter(([input]) => graph.tracked.has(input.name))
  if (tracked.length > 0) {
    graph.tracked.add(output.name)
    graph.tape.push({ output, inputs: tracked, layer: graph.layer })
  }
  return output
}

/** Appends the reverse of everything that led to a scalar; gives its gradient with respect to each parameter. */
export function gradients(loss: Tensor): readonly Tensor[] {
  const { graph } = loss
  const found = new Map([[loss.name, scalar(graph, 1)]])
  for (const { output, inputs, layer } of graph.tape.toReversed()) {
    const gradient = found.get(output.name)
    if (!gradient) continue
    inLayer(graph, `${layer}.gradient`, () => {
      for (const [input, pullback] of inputs) {
        const part = pullback(gradient)
        if (!sameShape(part.shape, input.shape)) throw misfit('gradient of another shape', [part, input])
        const sum = found.get(input.name)
        found.set(input.name, sum ? onnx.add(sum, part) : part)
      }
    })
  }
  return graph.parameters.map(({ name, shape }) => found.get(name) ?? onnx.filled(graph, shape, 0))
}
