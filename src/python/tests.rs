//! What statements bind and read.

use super::*;
use proptest::prelude::*;

#[test]
fn text_is_told_from_python_that_does_not_parse() {
    assert!(!has_python_words("10.0.0.7 shop.internal\n/one/two\n"));
    for code in ["def f(self)\n    pass", "x = (", "print 'a'", "f(a b)"] {
        assert!(has_python_words(code), "{code}");
    }
}

#[test]
fn what_only_a_later_python_parses_is_an_error_at_its_line() {
    let code = "def f():\n    try:\n        g()\n    except KeyError, e:\n        pass\n";
    let module = parse(code);
    assert_eq!(module.errors.iter().map(|error| code[..error.span.start].matches('\n').count()).collect::<Vec<_>>(), [3]);
    assert!(is_python2(code));
}

#[test]
fn python_2_is_known_behind_prompts_too() {
    for code in [">>> print a.b\n1\n", "... \tprint 'a'\n", "except (A, B), e:\n", "raise E, 'no'\n"] {
        assert!(is_python2(code), "{code}");
    }
    for code in [">>> print(a, b)\n", "except (A, B):\n", "raise E(1, 2)\n", "print\n"] {
        assert!(!is_python2(code), "{code}");
    }
}

#[test]
fn dots_stand_for_arguments_and_lines_in_any_form() {
    for code in ["setup(\n    name='x',\n    ...,\n    y=1,\n)\n", "if a:\n    [... what it does ...]\n    f()\n"] {
        assert!(cut_short(code, &parse(code)).is_some(), "{code}");
    }
}

#[test]
fn a_traceback_below_code_is_no_code() {
    let code = "check('a')\nTraceback (most recent call last):\n  ...\nValueError: a\n";
    assert!(cut_short(code, &parse(code)).is_some());
    let code = "check('a'\nTraceback (most recent call last):\n";
    assert!(cut_short(code, &parse(code)).is_none());
}

#[test]
fn a_decorator_alone_and_dots_for_lines_are_cut_short() {
    for code in ["@app.route('/')\n", "setup(\n    ...\n    name='x'\n)\n"] {
        assert!(cut_short(code, &parse(code)).is_some(), "{code}");
    }
    assert!(cut_short("def f(self)\n    pass\n", &parse("def f(self)\n    pass\n")).is_none());
}

fn names(names: &[Name]) -> Vec<&str> {
    names.iter().map(|name| name.name.as_str()).collect()
}

fn one(code: &str) -> Statement {
    let module = parse(code);
    assert_eq!(module.errors, []);
    module.statements.into_iter().next_back().unwrap()
}

#[test]
fn a_class_reads_its_bases_and_body_now_and_its_methods_later() {
    let class = one(
        "class Left(Base):\n    __tablename__ = 'left'\n    id = Column(Integer)\n    other = id\n    def f(self, x=Y) -> Z:\n        a = 1\n        return a + helper(x) + id\n",
    );
    assert_eq!(names(&class.reads), ["Base", "Column", "Integer", "Y", "Z"]);
    assert_eq!(names(&class.later), ["helper"]);
    assert_eq!(class.binds[0].name, "Left");
    assert!(class.is_definition());
    assert_eq!(class.mentioned(MentionKind::OwnTable).collect::<Vec<_>>(), ["left"]);
}

#[test]
fn a_loop_does_not_read_what_it_binds() {
    let statement = one("for left in lefts:\n    print(left, [r.id for r in left.rights if r != skip])\n");
    assert_eq!(names(&statement.reads), ["lefts", "skip"]);
    assert_eq!(statement.binds[0].name, "left");
}

#[test]
fn imports_say_where_from() {
    let statement = one("from ..models import User as U, Post\n");
    assert_eq!(statement.binds[0].kind, BindKind::Import { module: "..models".into(), name: Some("User".into()) });
    assert_eq!(statement.binds[0].name, "U");
    assert!(statement.is_import());
    assert_eq!(one("import os.path\n").binds[0].name, "os");
    assert_eq!(one("from flask import *\n").stars, ["flask"]);
}

#[test]
fn strings_that_name_things_are_mentions() {
    let statement =
        one("class A(Base):\n    b: Mapped[list[\"B\"]] = relationship(secondary='ab')\n    c = relationship(\"C\")\n    d = Column(ForeignKey('d.id'))\n");
    assert_eq!(statement.mentioned(MentionKind::Class).collect::<Vec<_>>(), ["B", "C"]);
    assert_eq!(statement.mentioned(MentionKind::Table).collect::<Vec<_>>(), ["ab", "d"]);
    assert_eq!(one("def f():\n    return render_template('x.html', a=b)\n").mentioned(MentionKind::Template).collect::<Vec<_>>(), ["x.html"]);
}

#[test]
fn a_walrus_a_with_and_a_handler_bind() {
    assert_eq!(names(&one("with Session(engine) as session:\n    session.add(x)\n").reads), ["Session", "engine", "x"]);
    assert_eq!(names(&one("try:\n    import a\nexcept ImportError as e:\n    print(e)\n").reads), [] as [&str; 0]);
    assert_eq!(names(&one("x = lambda y: y + z\n").later), ["z"]);
}

#[test]
fn what_is_left_out_is_seen() {
    assert!(one("def f():\n    ...\n").elided);
    assert!(one("@app.route('/')\ndef f():\n    # existing code omitted\n    return x\n").elided);
    assert!(!one("x: tuple[int, ...] = ()\n").elided);
}

proptest! {
    #[test]
    fn any_text_is_parsed_and_every_place_lies_in_it(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "def f(a, b=c):\n", "    ", "return x\n", "class A(B):\n", "x = [", "]", "(", ")", "\n", "import a.b as c\n", "from .. import *\n", "lambda: y", "@a\n", "'", "\"\"\"", "f'{x!r:>{y}}'", "# prints 1\n",
        "match x:\n case [a, *b]:\n", "é", "\t", "\r", "\\\n", ": int = ", "async ", "await z", "if (a := b):\n", "...", "\u{0}", "relationship('A')", "for i in j:\n", "except* E as e:\n", "try:\n",
    ]), 0..24)) {
        let code = pieces.concat();
        let inside = |span: Span| code.get(span.start..span.end).is_some();
        let module = parse(&code);
        for statement in &module.statements {
            prop_assert!(inside(statement.span));
            let names = statement.reads.iter().chain(&statement.later).chain(&statement.imports).map(|name| name.span);
            prop_assert!(names.chain(statement.binds.iter().map(|bind| bind.span)).chain(statement.mentions.iter().map(|mention| mention.span)).all(inside));
        }
        prop_assert!(module.statements.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start), "statements follow each other");
        prop_assert!(escapes(&code).into_iter().all(inside));
        let _ = (comments(&code), cut_short(&code, &module), inner_lines(&code), modernised(&code), value(&code));
    }
}
