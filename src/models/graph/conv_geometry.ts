import type { Attributes } from './graph.ts'

/** The geometry of a convolution with an odd square kernel and as much padding as keeps the size at stride 1. */
export interface Conv {
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly groups: number
  readonly padding: number
}

/** As the ONNX operations take it. */
export function convAttributes({ kernel, stride, dilation, groups, padding }: Conv): Attributes {
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    dilations: [dilation, dilation],
    pads: [padding, padding, padding, padding],
    group: groups,
  }
}
