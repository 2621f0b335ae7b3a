//! Links of guides on disk.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

/// What is found in a guide of these files: the path, the line, the message and the help.
fn found(files: &[(&str, &str)], guide: &str) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut loaded = load::load(Path::new(guide), root.path()).unwrap();
    check(&mut loaded, Path::new(guide), root.path(), &|target| target.starts_with("ignored"));
    let dead = loaded.lessons().flat_map(|lesson| &lesson.findings).filter(|finding| finding.code == Code::DeadLink);
    dead.map(|finding| {
        format!("{}:{} {} | {}", finding.location.path(), finding.location.place().line, finding.message, finding.help.clone().unwrap_or_default())
    })
    .collect()
}

const SUMMARY: &str = "# Summary\n\n- [A](a.md)\n- [B](sub/b.md)\n- [Draft]()\n";

/// What is found in a book whose page `a.md` this is.
fn in_a_book(page: &str) -> Vec<String> {
    let b = "# Bee & co\n\n## Same\n\n## Same\n\n<a id=\"spot\"></a>\n\n## Named {#own}\n";
    let more = [("book/img/x y.png", ""), ("labs/a/lab.toml", ""), ("README.md", "")];
    found(&[&[("book/SUMMARY.md", SUMMARY), ("book/a.md", page), ("book/sub/b.md", b)][..], &more].concat(), "book")
}

#[test]
fn links_that_lead_somewhere_are_no_findings() {
    for link in [
        "[x](sub/b.md)",
        "[x](./sub/b.md#bee--co)",
        "[x](sub/b.html#same-1)",
        "[x](sub/b.md#spot) [y](sub/b.md#own) [z](sub/b.md#Same)",
        "[x](sub/) [y](sub) [z](sub/b)",
        "[x][ref]\n\n[ref]: sub/b.md?plain=1",
        "![x](img/x%20y.png) ![y](<img/x y.png>)",
        "[x](#page) [y](#top) [z](#)",
        "[x](../README.md) [y](../labs/a/lab.toml) [z](../labs/)",
        "[x](/anything/at/all) [y](../std/index.html) [z](../api/)",
        "[x](https://x.org/gone.md) [y](mailto:a@b.c) [z](//x.org/a)",
        "[x]({{ site.url }}/a) `[y](gone.md)`",
        "```text\n[x](gone.md)\n```",
        "<!-- [x](gone.md) <a href=\"gone.md\">x</a> -->",
        "<pre><a href=\"gone.md\">x</a>\n\n<a href=\"gone.md\">x</a></pre>",
        "[x](print.html) [y](ignored.md)",
    ] {
        assert_eq!(in_a_book(&format!("# Page\n\n{link}\n")), Vec::<String>::new(), "{link}");
    }
}

#[test]
fn links_that_lead_nowhere_are_found_at_their_line() {
    let found = in_a_book(
        "# Page\n\n[x](sub/c.md) and\n![y](img/gone.png)\n\n<a href=\"#pge\">z</a>\n\n[w](sub/b.md#same-2)\n\n[v](../labs/a/lab.tml)\n\n[u][r]\n\n[r]: gone/\n",
    );
    let other = "correct the link, or add what it leads to";
    assert_eq!(
        found,
        [
            "book/a.md:3 this link leads nowhere: there is no `sub/c.md` beside the page | did you mean `sub/b.md`?".to_owned(),
            format!("book/a.md:4 this link leads nowhere: there is no `img/gone.png` beside the page | {other}"),
            "book/a.md:6 this link leads nowhere: nothing in this page has the anchor `#pge` | did you mean `#page`?".to_owned(),
            "book/a.md:8 this link leads nowhere: nothing in `book/sub/b.md` has the anchor `#same-2` | did you mean `#same-1`?".to_owned(),
            "book/a.md:10 this link leads nowhere: there is no `../labs/a/lab.tml` beside the page | did you mean `../labs/a/lab.toml`?".to_owned(),
            format!("book/a.md:12 this link leads nowhere: there is no `gone/` beside the page | {other}"),
        ]
    );
}

#[test]
fn a_page_alone_is_not_blamed_for_what_was_not_handed_over() {
    let alone = "# T\n\n[a](other.md) [b](more/other.md) ![c](x.png)\n\n[d](#missing)\n";
    assert_eq!(found(&[("set/a.md", alone)], "set"), Vec::<String>::new());
    assert_eq!(found(&[("set/a.md", alone)], "set/a.md"), Vec::<String>::new());
    let saved = "<h1 id=top>T</h1><p><a href='#top'>a</a> <a href='other.html'>b</a> <a href='#gone'>c</a> <a href='#t'>d</a></p><nav><a href='#x'>x</a></nav>";
    assert_eq!(found(&[("a.html", saved)], "a.html"), Vec::<String>::new());
}

#[test]
fn where_most_links_lead_somewhere_the_others_are_believed() {
    let page = "# T\n\n## One more\n\n[a](b.md) [b](c.md) [c](d.md)\n\n[d](#t) [e](#one-more) [f](#two-more) [g](#one_more)\n";
    let found = found(&[("set/a.md", page), ("set/b.md", "# B\n"), ("set/c.md", "# C\n")], "set");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].starts_with("set/a.md:7 this link leads nowhere: nothing in this page has the anchor `#two-more`"));
    assert!(found[0].starts_with("set/a.md:5 this link leads nowhere: there is no `d.md` beside the page"));
}

#[test]
fn the_links_to_the_web_are_gathered_from_every_format() {
    for (path, text) in [
        ("a.md", "[x](https://x.org/a) <b@c.org> `https://x.org/b`\n"),
        ("a.html", "<p><a href=https://x.org/a>x</a> <a href=b>y</a></p><nav><a href=https://x.org/c>z</a></nav>"),
        ("a.rst", "T\n=\n\nSee `x <https://x.org/a>`_.\n"),
        ("a.txt", "Title\n\nSee https://x.org/a.\n"),
    ] {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(path), text).unwrap();
        let guide = load::load(Path::new(path), root.path()).unwrap();
        let links: Vec<Link> = guide.lessons().flat_map(outside).collect();
        let targets: Vec<&str> = links.iter().map(|link| link.target.as_str()).collect();
        assert_eq!(targets, ["https://x.org/a"], "{path}");
        assert!(text.get(links[0].span.start..links[0].span.end).unwrap().contains("https://x.org/a"), "{path}");
    }
}

proptest! {
    #[test]
    fn any_page_has_links_that_lie_in_it(text in r#"(\[a\]\(|\)|#|<a href="|">|</a>|<pre>|</pre>|x\.md|%2|\n|\n\n|`|```|é|\{#b\}|<!--|-->|\[r\]: |> |- |!\[){0,30}"#) {
        for path in ["a.md", "a.html"] {
            let source = Arc::new(Source::new(path, text.clone()));
            for link in read::page(&source).links {
                prop_assert!(text.get(link.span.start..link.span.end).is_some());
            }
        }
    }
}
