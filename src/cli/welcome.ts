import { existsSync, readdirSync } from 'node:fs'
import { openSqliteStore } from '../store/sqlite.ts'
import { statusTable } from './tables.ts'

/** What a bare `tune` says: what it is for, what is here already, and what to type next. */
export function welcome(): string {
  const stored = storedStudies()
  return `tune finds loss weights and schedules for panoptic segmentation, by really training networks.

${startText()}
${stored === '' ? '' : `\nStored in results:\n${indented(stored)}\n\nLook at them, and continue one:\n  tune list\n  tune best\n  tune resume STUDY\n`}
Everything else: tune --help
`
}

function startText(): string {
  const studies = existsSync('studies') ? readdirSync('studies').filter((name) => /\.[cm]?[jt]s$/.test(name)) : []
  if (studies.length === 0) return `Start a study, or continue it:\n  tune --study FILE`
  return `Start a study, or continue it:\n${studies.map((name) => `  tune --study studies/${name}`).join('\n')}`
}

function storedStudies(): string {
  const store = openSqliteStore('results')
  try {
    const studies = store.list()
    return studies.length > 0 ? statusTable(studies) : ''
  } finally {
    store.close()
  }
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ')
}
