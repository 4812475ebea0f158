import type { Device } from '../../trial.ts'

/** What makes a kind of device usable. */
export const HINTS: Readonly<Record<Device['kind'], string>> = {
  cpu: 'npm install onnxruntime-node',
  cuda: 'install the CUDA libraries of onnxruntime: ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install.js; they need CUDA 12 and cuDNN 9', // prettier-ignore
  webgpu: 'WebGPU needs a driver for Vulkan, Metal or Direct3D 12; the CPU poses as one with mesa-vulkan-drivers 25 or newer', // prettier-ignore
  tfjs: 'npm install @tensorflow/tfjs-node-gpu for an NVIDIA GPU, or @tensorflow/tfjs-node for the CPU; both need Node 20 or 22', // prettier-ignore
}
