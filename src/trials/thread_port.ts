import type { MessagePort } from 'node:worker_threads'
import type { Port } from './channel.ts'

/** A way to another thread. */
export function threadPort(port: MessagePort): Port {
  return {
    send: (message) => port.postMessage(message),
    listen: (hear) => {
      port.on('message', hear)
      return () => port.off('message', hear)
    },
  }
}
