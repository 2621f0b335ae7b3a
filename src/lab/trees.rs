//! Directory trees that a page draws: they say in which folder a file stands that the prose names without one. Pure text.

use crate::guide::{Block, Lesson};

/// Every file that the page's trees show, as paths; a root that holds everything is left out as well as kept, since it may be the project or a package.
pub(crate) fn paths(lesson: &Lesson) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for block in &lesson.blocks {
        let Some(entries) = entries(block) else { continue };
        for (index, (depth, name)) in entries.iter().enumerate() {
            if entries.get(index + 1).is_some_and(|(next, _)| next > depth) || name.ends_with('/') {
                continue;
            }
            let mut parts = vec![name.as_str()];
            let mut level = *depth;
            for (above, folder) in entries[..index].iter().rev() {
                if *above < level {
                    level = *above;
                    parts.push(folder.trim_end_matches('/'));
                }
            }
            parts.reverse();
            let path: Vec<&str> = parts.into_iter().map(|part| part.trim_matches('/')).filter(|part| !part.is_empty() && *part != ".").collect();
            found.push(path.join("/"));
        }
    }
    found
}

/// Whether a block is a directory tree, drawn with lines or by indentation alone.
pub(crate) fn is_tree(block: &Block) -> bool {
    entries(block).is_some()
}

/// The entries of a tree with their depth; `None` if it is none.
fn entries(block: &Block) -> Option<Vec<(usize, String)>> {
    let is_entry = |line: &&str| !matches!(line.trim(), "" | "..." | "…");
    let lines: Vec<&str> = block.body.lines.iter().map(|line| line.text.trim_end()).filter(is_entry).collect();
    if lines.len() < 2 {
        return None;
    }
    let drawn = lines.iter().filter(|line| line.contains("── ") || line.contains("|-- ") || line.contains("+-- ")).count();
    let is_drawn = drawn * 2 >= lines.len();
    let listed = |line: &&str| {
        let word = line.trim();
        !word.contains(' ') && (word.starts_with('/') || word.ends_with('/') || crate::lab::names::looks_like_path(word))
    };
    let is_nested = lines.iter().any(|line| line.starts_with([' ', '\t'])) && lines.iter().any(|line| line.contains('/'));
    // Without any nesting, paths from the root: a file among them tells them from addresses of a site.
    let is_rooted = lines.iter().all(|line| line.starts_with('/')) && lines.iter().any(|line| crate::lab::names::looks_like_path(line));
    let is_listed = lines.iter().all(listed) && (is_nested || is_rooted);
    if !is_drawn && !is_listed {
        return None;
    }
    let entry = |line: &&str| {
        let name = line.trim_start_matches(|c: char| c.is_whitespace() || "│├└─|+-`".contains(c));
        let depth = line[..line.len() - name.len()].chars().count();
        let name = name.split_whitespace().next().unwrap_or_default().to_owned();
        (!name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "._-/".contains(c))).then_some((depth, name))
    };
    Some(lines.iter().filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::markdown;
    use crate::source::Source;
    use std::sync::Arc;

    fn paths_of(text: &str) -> Vec<String> {
        let source = Arc::new(Source::new("a.md", text));
        markdown::parse(&source, "a").lessons().flat_map(paths).collect()
    }

    #[test]
    fn a_drawn_tree_says_where_files_are() {
        let text = "```\n.\n├── shop\n│   ├── __init__.py\n│   └── app.py\n└── tests\n    └── shop_test.py\n```\n";
        assert_eq!(paths_of(text), ["shop/__init__.py", "shop/app.py", "tests/shop_test.py"]);
    }

    #[test]
    fn an_indented_list_of_paths_is_a_tree_and_code_is_not() {
        assert_eq!(paths_of("```\n/shop\n    /app.py\n    /templates\n        /index.html\n```\n"), ["shop/app.py", "shop/templates/index.html"]);
        assert_eq!(paths_of("```\n/shop.py\n/static\n```\n"), ["shop.py", "static"]);
        assert_eq!(paths_of("```\n/shop\n    /app.py\n    /static\n        ...\n```\n"), ["shop/app.py", "shop/static"]);
        assert_eq!(paths_of("```\n/about\n/login\n```\n"), Vec::<String>::new());
        assert_eq!(paths_of("```python\nfor a in b:\n    print(a/2)\n```\n"), Vec::<String>::new());
    }
}
