import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { openOrtSession } from '../../../src/models/engines/ort.ts'
import { floats } from '../../../src/models/engines/session.ts'
import { openTfjsSession } from '../../../src/models/engines/tfjs.ts'
import { cpu, relativeError } from '../graph/gradient_error.ts'
import { networks, zooGradient } from './zoo_gradients.ts'

await import('@tensorflow/tfjs-backend-cpu')
// It would advertise its native package.
tf.env().set('IS_TEST', true)

test.each(Object.entries(networks))(
  '%s has the losses and the gradient with TensorFlow.js that it has with onnxruntime',
  async (_, options) => {
    const { graph, feeds } = zooGradient(options)
    const [ort, tfjs] = [await openOrtSession(graph, cpu), openTfjsSession(graph, tf)]
    const [expected, actual] = [await ort.run(feeds), await tfjs.run(feeds)]
    await Promise.all([ort.close(), tfjs.close()])
    const errors = Object.keys(expected).map((name) => relativeError(floats(actual, name), floats(expected, name)))
    expect(Math.max(...errors)).toBeLessThan(2e-5)
  },
)
