import type { MessagePort } from 'node:worker_threads'
import { serve } from './channel.ts'
import { threadPort } from './thread_port.ts'
import type { Job } from './executor.ts'
import { runJob } from './run_job.ts'

/** What a worker thread does: runs one job, giving its reports over the port as they are asked for. */
export default async function work({ job, port }: { readonly job: Job; readonly port: MessagePort }): Promise<void> {
  const stop = new AbortController()
  await serve(threadPort(port), runJob(job, stop.signal), stop)
}
