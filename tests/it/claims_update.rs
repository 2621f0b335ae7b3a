//! `check --update-claims`: what pages claim is written anew where two runs agree on it, and nothing else is touched.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::command::course;

const PAGE: &str = "# Page

```python
for n in range(5):
    print('line', n)
```

```text
line 0
...
line 3
the end
```

> A session:
>
> ```pycon
> >>> 20 + 22
> 41
> >>> 'a' * 2
> 'aa'
> ```

```python
print(7)  # prints 8
```
";

const MENDED: &str = "# Page

```python
for n in range(5):
    print('line', n)
```

```text
line 0
...
line 3
line 4
```

> A session:
>
> ```pycon
> >>> 20 + 22
> 42
> >>> 'a' * 2
> 'aa'
> ```

```python
print(7)  # prints 7
```
";

#[test]
fn claims_are_mended_where_they_stand() {
    for ending in ["\n", "\r\n"] {
        let course = course().file("page.md", PAGE.replace('\n', ending));
        course.run(&["check", "page.md", "--no-snapshots"]).with(1);
        let ended = course.run(&["check", "page.md", "--no-snapshots", "--update-claims"]).with(0);
        ended.says(&["-the end", "+line 4", "-> 41", "+> 42", "+print(7)  # prints 7"]);
        assert_eq!(course.read("page.md"), MENDED.replace('\n', ending));
        assert_eq!(std::fs::read_dir(course.path("")).unwrap().count(), 1, "nothing is left beside it");
        let again = course.run(&["check", "page.md", "--no-snapshots", "--update-claims"]).with(0);
        assert!(!again.stderr.contains('+') && !again.stdout.contains("updated"), "{}", again.stderr);
    }
}

#[test]
fn what_cannot_be_mended_is_left_and_said() {
    let unstable = "# Page\n\n```python\nimport os\nprint('pid of', os.getpid(), 'and', os.urandom(8).hex())\n```\n\n```text\nnothing of it\n```\n";
    let closing = "# Page\n\n```python\nprint('`' * 3)\nprint('after')\n```\n\n```text\nbefore\n```\n";
    let html =
        "<h1>Page</h1>\n<pre><code class=\"language-python\">print(1 + 1)</code></pre>\n<p>Output:</p>\n<pre><code class=\"language-text\">3</code></pre>\n";
    for (path, text, words) in
        [("a.md", unstable, ""), ("b.md", closing, "b.md:9: the page would be read as another one: the claim is left as it is"), ("c.html", html, "")]
    {
        let course = course().file(path, text);
        let ended = course.run(&["check", path, "--no-snapshots", "--update-claims"]);
        assert_eq!(course.read(path), text, "{path}: {}", ended.stderr);
        ended.shows(&[words]);
    }
}

#[cfg(unix)]
#[test]
fn a_page_that_may_not_be_written_is_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    let course = course().file("page.md", PAGE);
    std::fs::set_permissions(course.path("page.md"), std::fs::Permissions::from_mode(0o444)).unwrap();
    let is_root = std::fs::OpenOptions::new().append(true).open(course.path("page.md")).is_ok();
    let ended = course.run(&["check", "page.md", "--no-snapshots", "--update-claims"]);
    if !is_root {
        ended.with(2).says(&["cannot write page.md: ", "nothing of it was changed"]);
        assert_eq!(course.read("page.md"), PAGE);
    }
    // In two environments, nobody knows what it should say.
    course.run(&["check", "page.md", "--update-claims", "--env", "flask,legacy"]).with(2).says(&["name it with `--env NAME`"]);
}
