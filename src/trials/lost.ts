const NAME = 'TrialLostError'

/** What an executor throws where a trial's end says nothing of its objective: its worker died, or was ended by force. */
export function lostError(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name: NAME })
}

export function isLost(error: Error): boolean {
  return error.name === NAME
}
