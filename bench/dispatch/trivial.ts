import { defineStudy, maximize, random, uniform } from 'panoptune'

/** A study that trains nothing: what a trial or a report costs beside its training. */
export default defineStudy({
  name: 'trivial',
  goal: maximize('pq'),
  space: { x: uniform(0, 1), y: uniform(-1, 1) },
  settings: { reports: 1 },
  budget: { trials: 10_000 },
  sampler: random(),
  async *objective({ x, y }, { settings }) {
    for (let report = 0; report < settings.reports; report++) yield { pq: x - y * y + report }
  },
})
