import { TuneError } from '../errors.ts'
import type { Device } from '../trial.ts'
import { openSession } from './engines/open.ts'
import { floats } from './engines/session.ts'
import type { Teacher } from './batch_stream.ts'
import { softmax } from './graph/activations.ts'
import { bindFlat } from './graph/bind.ts'
import { input, newGraph, output } from './graph/graph.ts'
import type { Model } from './model.ts'
import { openCheckpoint } from './starts.ts'
import { atStride } from './train_step.ts'
import { keptBy, networkOf } from './train_state.ts'

export interface TeacherOptions {
  /** Images in a batch, and their size. */
  readonly size: number
  readonly height: number
  readonly width: number
  /** Pixels of the image to one of the batch's targets. */
  readonly stride: number
  readonly device: Device
}

/** A trained network that tells another, for each batch, how probable it finds each class. */
export async function openTeacher(
  file: string,
  pupil: Model,
  { size, height, width, stride, device }: TeacherOptions,
): Promise<{ readonly teach: Teacher; close(): Promise<void> }> {
  const { model, state } = openCheckpoint(file)
  if (model.classes !== pupil.classes) {
    throw new TuneError('checkpoint/invalid', `${file} tells ${model.classes} classes apart, not ${pupil.classes}`, {
      hint: 'a teacher has to be trained on the same categories',
    })
  }
  const graph = newGraph()
  const heads = atStride(model, model.forward(input(graph, 'images', 'float32', [size, 3, height, width])), stride)
  graph.layer = 'teacher'
  output('probabilities', softmax(heads.semantic, 1))
  bindFlat(graph, 'weights')
  if (graph.buffers.length > 0) bindFlat(graph, 'buffers', 'buffers')
  const session = await openSession(graph, device)
  const kept = keptBy(state, networkOf(model))
  return {
    teach: async ({ images }) => floats(await session.run({ images, ...kept }), 'probabilities'),
    close: () => session.close(),
  }
}
