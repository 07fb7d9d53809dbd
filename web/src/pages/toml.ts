// Colours for TOML, line by line: tables, keys, strings (also over several lines), numbers, comments.
import type { StreamParser } from '@codemirror/language';

interface State {
  /** The quotes that end the string begun, if one is. */
  quotes: string | null;
}

export const toml: StreamParser<State> = {
  name: 'toml',
  startState: () => ({ quotes: null }),
  token(stream, state) {
    if (state.quotes) {
      if (stream.skipTo(state.quotes)) {
        stream.match(state.quotes);
        state.quotes = null;
      } else stream.skipToEnd();
      return 'string';
    }
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return 'comment';
    if (stream.sol() && stream.match(/^\[\[?[^\]]*\]\]?/)) return 'heading';
    if (stream.match(/^[A-Za-z0-9_-]+(?=\s*=)/)) return 'propertyName';
    for (const quotes of ['"""', "'''"]) {
      if (stream.match(quotes)) {
        state.quotes = quotes;
        return 'string';
      }
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/) || stream.match(/^'[^']*'?/)) return 'string';
    if (stream.match(/^(true|false)\b/)) return 'bool';
    if (stream.match(/^[+-]?\d[\d_.:T-]*/)) return 'number';
    stream.next();
    return null;
  },
};
