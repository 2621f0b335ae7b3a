//! `--changed-since`: which lessons a change touches, by what git says has changed. The guide as it was is put into a folder of its own and read like any other;
//! what makes two lessons differ is [`touched`]'s to say. Nothing of the repository is ever written.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::course::{self, Course};
use crate::cli::matrix::Part;
use crate::cli::watch::touched;
use crate::cli::{Failure, usage};
use crate::env::Origin;

/// What of a course has changed.
#[derive(Debug)]
pub(super) struct Changed {
    /// The ids of the lessons that are touched.
    pub(super) lessons: BTreeSet<String>,
    /// Why these, if it is because of something that touches all of them.
    pub(super) because: Option<String>,
}

/// The lessons of a course that what has changed since `rev` touches: where this branch left it, up to the files as they are now.
///
/// # Errors
/// If git cannot say, with what to do.
pub(super) fn since(rev: &str, course: &Course, parts: &[Part]) -> anyhow::Result<Changed> {
    let repository = Repository::of(course)?;
    let base = repository.base(rev)?;
    let paths = repository.changed(&base, course)?;
    let every = |because: &str| Changed { lessons: course.ids.iter().cloned().collect(), because: Some(because.to_owned()) };
    let is_changed = |part: &Part| matches!(part.environment.origin(), Origin::File(path) if paths.contains(&repository.in_course(course, &canonical(path))));
    if parts.iter().any(is_changed) {
        return Ok(every("what the environment is made of has changed"));
    }
    let parts: Vec<PathBuf> = course.guides.iter().cloned().chain([course.config.labs(), course.config.root.join("proctor.toml")]).collect();
    if !paths.iter().any(|path| touched::matters(path) && parts.iter().any(|part| path.starts_with(part))) {
        return Ok(Changed { lessons: BTreeSet::new(), because: None });
    }
    let folder = tempfile::Builder::new().prefix("proctor-").tempdir()?;
    let Some(before) = repository.before(&base, course, folder.path())? else {
        return Ok(every(&format!("the guide of {rev} cannot be read")));
    };
    // What is borrowed may be borrowed from a lesson that was not asked for.
    let guides: Vec<String> = course.guides.iter().map(|guide| guide.display().to_string()).collect();
    let now = course::find(&guides)?;
    if before.config != now.config {
        return Ok(every("proctor.toml has changed"));
    }
    let mut indices = touched::touched(&before, &now, &paths);
    indices.extend(touched::borrowers(&before, &now, &indices));
    Ok(Changed { lessons: indices.into_iter().map(|index| now.planned[index].lesson.id.clone()).collect(), because: None })
}

/// A git repository that has a course in it.
struct Repository {
    top: PathBuf,
}

impl Repository {
    fn of(course: &Course) -> Result<Self, Failure> {
        let root = &course.config.root;
        let top = git(root, &["rev-parse", "--show-toplevel"])?.text().map_err(|said| {
            usage(format!(
                "--changed-since asks git, and {} is not in a git repository that it can read ({said}): leave the flag out to check everything",
                root.display()
            ))
        })?;
        let top = PathBuf::from(top);
        for guide in &course.guides {
            if !canonical(guide).starts_with(&top) {
                let message = format!("{} is not in the git repository of {}: check it by itself", guide.display(), top.display());
                return Err(usage(message));
            }
        }
        Ok(Self { top })
    }

    /// The commit at which `rev` and what is checked out parted.
    fn base(&self, rev: &str) -> Result<String, Failure> {
        let is_shallow = git(&self.top, &["rev-parse", "--is-shallow-repository"])?.text().is_ok_and(|text| text == "true");
        let shallow = "; this is a shallow clone: fetch its history first (`git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout)";
        let hint = |other: &'static str| if is_shallow { shallow } else { other };
        let commit = format!("{rev}^{{commit}}");
        let named = git(&self.top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?.text();
        let commit = named.map_err(|_| usage(format!("git knows no commit `{rev}`{}", hint("; is it misspelt, or still to be fetched (`git fetch`)?"))))?;
        let head = git(&self.top, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?.text();
        let head = head.map_err(|_| usage("the git repository has no commit yet: leave --changed-since out"))?;
        let base = git(&self.top, &["merge-base", &commit, &head])?.text();
        let none = "; name a commit that this branch comes from";
        base.map_err(|_| usage(format!("what is checked out and `{rev}` have no commit in common{}", hint(none))))
    }

    /// The files that are not what they were: committed since, staged, edited or new, and both names of a renamed one.
    fn changed(&self, base: &str, course: &Course) -> Result<BTreeSet<PathBuf>, Failure> {
        let failed = |said: String| usage(format!("git cannot say what has changed: {said}"));
        let edited = git(&self.top, &["diff", "--name-only", "--no-renames", "--no-ext-diff", "--no-relative", "-z", base, "--"])?.ok().map_err(failed)?;
        let new = git(&self.top, &["ls-files", "--others", "--exclude-standard", "-z"])?.ok().map_err(failed)?;
        Ok(names(&edited).chain(names(&new)).map(|name| self.in_course(course, &self.top.join(name))).collect())
    }

    /// A path as the course has it, which may stand behind a link.
    fn in_course(&self, course: &Course, path: &Path) -> PathBuf {
        let folders = course.guides.iter().cloned().chain([course.config.labs(), course.config.root.clone()]);
        let own = folders.into_iter().find_map(|folder| {
            let rest = path.strip_prefix(canonical(&folder)).ok()?.to_path_buf();
            Some(if rest.as_os_str().is_empty() { folder } else { folder.join(rest) })
        });
        own.unwrap_or_else(|| path.to_path_buf())
    }

    /// The course as it was, read from `folder`; `None` if it cannot be read, or was not there.
    fn before(&self, base: &str, course: &Course, folder: &Path) -> Result<Option<Course>, Failure> {
        let failed = |said: String| usage(format!("git cannot show the guide as it was: {said}"));
        let index = folder.join("index");
        let with_index = |command: &mut Command| {
            // An index of its own: that of the repository stays as it is. What only stands for a large file is none of a guide's.
            command.env("GIT_INDEX_FILE", &index).env("GIT_LFS_SKIP_SMUDGE", "1");
        };
        git_with(&self.top, &["read-tree", base], &[], with_index)?.ok().map_err(failed)?;
        let listed = git_with(&self.top, &["ls-files", "-z"], &[], with_index)?.ok().map_err(failed)?;
        let root = canonical(&course.config.root);
        let parts: Vec<PathBuf> =
            course.guides.iter().map(|guide| if guide.is_file() { parent(guide) } else { guide.clone() }).chain([course.config.labs()]).collect();
        let parts: Vec<PathBuf> = parts.iter().map(|part| canonical(part)).collect();
        let is_part =
            |path: &Path| parts.iter().any(|part| path.starts_with(part)) || path.file_name().is_some_and(|name| name == "proctor.toml" || name == "book.toml");
        let wanted: Vec<&[u8]> = names(&listed).filter(|name| is_part(&self.top.join(name))).map(OsStrExt::as_bytes).collect();
        let tree = folder.join("tree");
        let prefix = format!("--prefix={}/", tree.display());
        git_with(&self.top, &["checkout-index", "-q", "-z", "--stdin", &prefix], &wanted.join(&0), with_index)?.ok().map_err(failed)?;
        let there = |path: &Path| Some(tree.join(canonical(path).strip_prefix(&self.top).ok()?));
        let guides = course.guides.iter().filter_map(|guide| there(guide)).filter(|guide| guide.exists());
        let guides: Vec<String> = guides.map(|guide| guide.display().to_string()).collect();
        if guides.is_empty() {
            return Ok(None);
        }
        let Ok(mut before) = course::find(&guides) else { return Ok(None) };
        if Some(&before.config.root) == there(&root).as_ref() {
            before.config.root = course.config.root.clone();
        }
        Ok(Some(before))
    }
}

/// What git answered.
struct Answer {
    out: Vec<u8>,
    said: String,
    is_ok: bool,
}

impl Answer {
    /// What it printed, or why it failed.
    fn ok(self) -> Result<Vec<u8>, String> {
        if self.is_ok { Ok(self.out) } else { Err(self.said) }
    }

    /// The line that it printed, or why it failed.
    fn text(self) -> Result<String, String> {
        self.ok().map(|out| String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned())
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<Answer, Failure> {
    git_with(folder, arguments, &[], |_| ())
}

/// Ask git something.
fn git_with(folder: &Path, arguments: &[&str], input: &[u8], change: impl FnOnce(&mut Command)) -> Result<Answer, Failure> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    command.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    change(&mut command);
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => usage("--changed-since asks git what has changed, and there is no `git` here: install it, or leave the flag out"),
        _ => usage(format!("git cannot be run: {error}")),
    };
    let mut child = command.spawn().map_err(failed)?;
    let mut stdin = child.stdin.take();
    let mut stderr = child.stderr.take();
    let ended = std::thread::scope(|scope| {
        // Each stream by itself, so that none waits for another.
        scope.spawn(move || stdin.take().map(|mut stdin| stdin.write_all(input)));
        let said = scope.spawn(move || {
            let mut said = Vec::new();
            let _ = stderr.as_mut().map(|stderr| stderr.read_to_end(&mut said));
            said
        });
        let out = child.wait_with_output();
        (out, said.join().unwrap_or_default())
    });
    let out = ended.0.map_err(failed)?;
    let said = String::from_utf8_lossy(&ended.1);
    let said = said.lines().next().unwrap_or("git says nothing").trim_start_matches("fatal: ").to_owned();
    Ok(Answer { is_ok: out.status.success(), out: out.stdout, said })
}

/// The names in a list that ends each with a zero.
fn names(list: &[u8]) -> impl Iterator<Item = &OsStr> {
    list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(OsStr::from_bytes)
}

/// Where a path leads, also if nothing is there.
fn canonical(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|above| Some((above.canonicalize().ok()?, path.strip_prefix(above).ok()?)));
    existing.map_or_else(|| path.to_path_buf(), |(above, rest)| if rest.as_os_str().is_empty() { above } else { above.join(rest) })
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}
