import { createReadStream } from 'node:fs'
import { TuneError } from '../errors.ts'

/** What is read of a file at most: longer cells, wider rows and longer files are none of results. */
const MOST_CELL = 1 << 16
const MOST_COLUMNS = 10_000
const MOST_ROW = 1 << 22

/**
 * The rows of a CSV file, RFC 4180, as it is read: no more than a row is ever kept. Throws `data/invalid` with the line
 * where a cell or a row is too long to be of results, or a quote is open at the end.
 */
export async function* readCsv(file: string): AsyncIterable<readonly string[]> {
  const stream = createReadStream(file, { encoding: 'utf8' })
  const rows: string[][] = []
  const reader = createReader(file, (row) => rows.push(row))
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      reader.take(chunk)
      yield* rows.splice(0)
    }
  } catch (error) {
    throw unreadable(file, error) ?? error
  }
  reader.end()
  yield* rows
}

interface Reader {
  take(chunk: string): void
  end(): void
}

function createReader(file: string, onRow: (row: string[]) => void): Reader {
  let [row, cell, line, size] = [[] as string[], '', 1, 0]
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start'
  let isFirst = true

  const fail = (what: string): never => {
    throw new TuneError('data/invalid', `${file}:${line}: ${what}`, { hint: 'give a CSV file with a row a trial' })
  }
  const endCell = () => {
    row.push(cell)
    cell = ''
    state = 'start'
    if (row.length > MOST_COLUMNS) fail(`more than ${MOST_COLUMNS} columns`)
  }
  const endRow = () => {
    const isBlank = row.length === 0 && cell === '' && state === 'start'
    if (!isBlank) {
      endCell()
      onRow(row)
    }
    row = []
    size = 0
    line++
  }
  const add = (letters: string) => {
    cell += letters
    size += letters.length
    if (cell.length > MOST_CELL) fail(`a cell of more than ${MOST_CELL} characters`)
    if (size > MOST_ROW) fail(`a row of more than ${MOST_ROW} characters`)
  }
  const takeQuoted = (letter: string) => {
    if (letter === '"') state = 'closed'
    else add(letter)
    if (letter === '\n') line++
  }
  const takeOther = (letter: string) => {
    if (letter === ',') endCell()
    else if (letter === '\n') endRow()
    else if (letter === '"' && state === 'start') state = 'quoted'
    else if (letter === '"' && state === 'closed') {
      add('"')
      state = 'quoted'
    } else if (letter !== '\r') {
      add(letter)
      if (state === 'start') state = 'plain'
    }
  }
  return {
    take: (chunk) => {
      const from = isFirst && chunk.startsWith('\uFEFF') ? 1 : 0
      isFirst = false
      for (let i = from; i < chunk.length;) {
        const end = plainUntil(chunk, i)
        if (end > i && state !== 'closed') {
          add(chunk.slice(i, end))
          if (state === 'start') state = 'plain'
          i = end
          continue
        }
        if (state === 'quoted') takeQuoted(chunk[i]!)
        else takeOther(chunk[i]!)
        i++
      }
    },
    end: () => {
      if (state === 'quoted') fail('a quote is open at the end of the file')
      if (row.length > 0 || cell !== '' || state === 'closed') endRow()
    },
  }
}

/** Where the letters end that mean nothing, wherever they stand. */
function plainUntil(chunk: string, from: number): number {
  let end = from
  while (end < chunk.length && !isSpecial(chunk.charCodeAt(end))) end++
  return end
}

/** `"`, `,`, or an end of a line. */
function isSpecial(code: number): boolean {
  return code === 34 || code === 44 || code === 10 || code === 13
}

function unreadable(file: string, error: unknown): TuneError | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR'].includes(code)) return undefined
  return new TuneError('data/missing', `${file} cannot be read: ${code}`, { hint: 'look at its name', cause: error })
}
