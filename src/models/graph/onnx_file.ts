import type { Attributes, Constant, ElementType, Node, Program, Shape } from './graph.ts'
import { bytes, encode, int, message, text, type Field } from './protobuf.ts'

/** Numbers of `TensorProto.DataType` in onnx.proto3. */
const TYPES: Readonly<Record<ElementType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 }
const IR_VERSION = 9
const OPSET = 18

/**
 * A graph as the bytes of an .onnx file, which any runtime reads: field numbers are those of onnx.proto3. `metadata` are
 * texts for whoever uses the model.
 */
export function onnxFile(program: Program, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  return encode(
    int(1, IR_VERSION),
    text(2, 'panoptune'),
    message(7, ...programFields(program)),
    message(8, text(1, ''), int(2, OPSET)),
    ...Object.entries(metadata).map(([key, value]) => message(14, text(1, key), text(2, value))),
  )
}

function programFields({ nodes, constants, inputs, outputs }: Program): Field[] {
  // An output carries its own name within the file; every other tensor is named after the layer it comes from.
  const made = new Set(nodes.flatMap((node) => node.outputs))
  const names = new Map(outputs.filter(({ tensor }) => made.has(tensor.name)).map(({ name, tensor }) => [tensor.name, name])) // prettier-ignore
  const nameOf = (name: string) => names.get(name) ?? name
  // What no node makes, such as an input, and what has a name already, is copied.
  const copies = outputs.filter(({ name, tensor }) => nameOf(tensor.name) !== name)
  return [
    ...nodes.map((node) => nodeField(node, nameOf)),
    ...copies.map(({ name, tensor }) => message(1, text(1, nameOf(tensor.name)), text(2, name), text(4, 'Identity'))),
    text(2, 'network'),
    ...constants.map(constantField),
    ...inputs.map(({ name, type, shape }) => valueField(11, name, type, shape)),
    ...outputs.map(({ name, tensor: { type, shape } }) => valueField(12, name, type, shape)),
  ]
}

function nodeField({ op, inputs, outputs, attributes }: Node, nameOf: (name: string) => string): Field {
  return message(
    1,
    ...inputs.map((name) => text(1, nameOf(name))),
    ...outputs.map((name) => text(2, nameOf(name))),
    text(3, outputs.join(',')),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => attributeField(name, value)),
  )
}

function attributeField(name: string, value: Attributes[string]): Field {
  if (typeof value === 'number') return message(5, text(1, name), int(3, value), int(20, 2))
  if (typeof value === 'string') return message(5, text(1, name), text(4, value), int(20, 3))
  if ('nodes' in value) return message(5, text(1, name), message(6, ...programFields(value)), int(20, 5))
  return message(5, text(1, name), ...value.map((item) => int(8, item)), int(20, 7))
}

function constantField({ name, type, shape, data }: Constant): Field {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return message(5, ...shape.map((size) => int(1, size)), int(2, TYPES[type]), text(8, name), bytes(9, raw))
}

function valueField(field: number, name: string, type: ElementType, shape: Shape): Field {
  const dimensions = shape.map((size) => message(1, int(1, size)))
  return message(field, text(1, name), message(2, message(1, int(1, TYPES[type]), message(2, ...dimensions))))
}
