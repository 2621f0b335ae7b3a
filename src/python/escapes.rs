//! What of a notebook's cell is IPython's and not Python's: magics, shell commands, help. The tokenizer finds them, so that a `%` inside a string or brackets is none.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::Ranged;

use super::depth;
use crate::source::Span;

/// The bytes of each IPython command in `code`, such as `%matplotlib inline`, `!pip install flask` or `open?`, in order. Lines that a backslash joins are one command.
#[must_use]
pub fn escapes(code: &str) -> Vec<Span> {
    if depth::too_deep(code).is_some() {
        return Vec::new();
    }
    let parsed = parse_unchecked(code, ParseOptions::from(Mode::Ipython));
    let mut commands: Vec<Span> = Vec::new();
    for token in parsed.tokens() {
        let (mut start, end) = (token.range().start().to_usize(), token.range().end().to_usize());
        match token.kind() {
            TokenKind::IpyEscapeCommand => {}
            // `open?` asks for help about all that stands before the mark; no Python has a question mark.
            TokenKind::Question => {
                let line = code[..start].rfind('\n').map_or(0, |newline| newline + 1);
                start = end - code[line..end].trim_start().len();
            }
            _ => continue,
        }
        match commands.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ if start < end => commands.push(Span::new(start, end)),
            _ => {}
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_operators_and_text() {
        let code = "%matplotlib inline\nx = !ls\nif x:\n    !pip install \\\n  flask\nopen??\ny = (x\n% 2)\n'''\n!no\n'''\nprint 'old'\n%time f()\n";
        let found: Vec<_> = escapes(code).iter().map(|span| &code[span.start..span.end]).collect();
        assert_eq!(found, ["%matplotlib inline", "!ls", "!pip install \\\n  flask", "open??", "%time f()"]);
    }
}
