/**
 * Parts of a source text replaced by spaces, so that rules see the program's words and not its prose. Lengths and line breaks
 * stay, so that positions still name the right line. A small lexer, not a parser: it knows comments, strings, templates with
 * their holes, and regular expressions.
 */

/** Comments blanked; strings are kept, since imports name modules in them. */
export function blankComments(text: string): string {
  return blank(text, false);
}

/** Comments and the insides of strings, templates and regular expressions blanked. */
export function blankProse(text: string): string {
  return blank(text, true);
}

/** After these a slash begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};<>+*%~^-]|\b(?:return|typeof|case|in|of|else|do|await|yield))\s*$/;
const REGEX = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/;
const STRING = /^(?:'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")/;
const COMMENT = /^(?:\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))/;
/** A template from a backtick or the end of a hole, to the next hole or the end. */
const TEMPLATE = /^[`}](?:\\[^]|\$(?!\{)|[^`\\$])*(?:\$\{|`|$)/;

function blank(text: string, withStrings: boolean): string {
  let out = '';
  /** For each open hole of a template: how many braces are open inside it. */
  const holes: number[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at, at + 20_000);
    const character = rest[0] ?? '';
    const depth = holes.at(-1);
    const comment = COMMENT.exec(rest)?.[0];
    const isTemplate = character === '`' || (character === '}' && depth === 0);
    const template = isTemplate ? TEMPLATE.exec(rest)?.[0] : undefined;
    const regex = character === '/' && BEFORE_REGEX.test(out.slice(-40)) ? REGEX.exec(rest)?.[0] : undefined;
    const literal = template ?? STRING.exec(rest)?.[0] ?? regex;
    if (comment !== undefined) {
      out += spaces(comment);
      at += comment.length;
    } else if (literal !== undefined) {
      if (character === '}') holes.pop();
      if (template?.endsWith('${') === true) holes.push(0);
      out += withStrings ? hollow(literal) : literal;
      at += literal.length;
    } else {
      if (depth !== undefined && character === '{') holes[holes.length - 1] = depth + 1;
      if (depth !== undefined && character === '}') holes[holes.length - 1] = depth - 1;
      out += character;
      at += 1;
    }
  }
  return out;
}

function hollow(literal: string): string {
  const tail = literal.endsWith('${') ? 2 : 1;
  return `${literal[0] ?? ''}${spaces(literal.slice(1, -tail))}${literal.slice(Math.max(1, literal.length - tail))}`;
}

function spaces(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
