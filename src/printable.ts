/**
 * Text from anywhere (a program, a database, a file's name) as it may be shown on a terminal: what would move the cursor,
 * set a title, clear the screen or turn letters round is spelled out, `\u001b`. Line ends and tabs stay, as do the colours
 * that we use ourselves.
 */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, (found) => (isKept(found) ? found : spelledOut(found)))
}

/** Colours, ends of lines of CSV, control characters of C0 and C1, and those that change the direction of writing. */
// oxlint-disable-next-line no-control-regex -- those are what is looked for
const UNSAFE = /\u001B\[\d+m|\r\n|[^\P{Cc}\n\t]|\p{Bidi_Control}/gu

const COLOURS = ['1', '22', '2', '31', '32', '33', '36', '39']

function isKept(found: string): boolean {
  return found === '\r\n' || COLOURS.includes(found.slice(2, -1))
}

/** As JSON and JavaScript do it. */
function spelledOut(text: string): string {
  const [first = '', ...rest] = text
  return `\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}${rest.join('')}`
}
