//! Where reports go: what `--format FORMAT[=PATH]` asks for, checked before the run and written after it.
//!
//! A path that cannot be written to fails at once, not after minutes of running. A file is written beside itself and renamed, so that nobody ever reads half
//! a report; devices, pipes and a job's summary are written to directly. Between the two, nothing lies around that a killed run would leave behind.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Format;

/// One `--format FORMAT[=PATH]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The format.
    pub format: Format,
    /// Where to; `None` is standard output.
    pub path: Option<PathBuf>,
}

impl FromStr for Request {
    type Err = SinkError;

    fn from_str(text: &str) -> Result<Self, SinkError> {
        let (word, path) = text.split_once('=').map_or((text, None), |(word, path)| (word, Some(path)));
        let format = Format::from_word(word).ok_or_else(|| SinkError::UnknownFormat { word: word.to_owned() })?;
        if path == Some("") {
            return Err(SinkError::NoPath { format });
        }
        let path = path.filter(|path| !matches!(*path, "-" | "/dev/stdout")).map(PathBuf::from);
        Ok(Self { format, path })
    }
}

/// Why a report cannot go where it was asked to go.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A format that does not exist.
    #[error("there is no format `{word}`: use one of {}", Format::ALL.map(Format::word).join(", "))]
    UnknownFormat {
        /// What was asked for.
        word: String,
    },
    /// `json=` and nothing behind it.
    #[error("`{word}=` names no path: write `{word}` for standard output or `{word}=PATH` for a file", word = .format.word())]
    NoPath {
        /// The format.
        format: Format,
    },
    /// Two reports would run into each other.
    #[error("the {} and the {} report would both go to {place}: give one of them another path", .first.word(), .second.word())]
    SamePlace {
        /// The one that was asked for first.
        first: Format,
        /// The other.
        second: Format,
        /// Where both would go.
        place: String,
    },
    /// The path cannot be written to.
    #[error("cannot write the {} report to {}: {reason}", .format.word(), .path.display())]
    Unwritable {
        /// The format.
        format: Format,
        /// The path.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
}

/// A report's place, known to be writable when the check begins.
#[derive(Debug)]
pub struct Sink {
    /// The format that goes there.
    pub format: Format,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Stdout,
    /// A device, a pipe, or a job's summary, which is appended to.
    Open(PathBuf, File),
    /// A file that is written beside itself and renamed.
    Replace(PathBuf),
}

impl Sink {
    /// Open a sink for each request. If none takes standard output, the terminal report does. `job_summary` is the file that `GITHUB_STEP_SUMMARY` names:
    /// it is appended to, as other steps may have written there.
    ///
    /// # Errors
    /// When two requests want one place, or a path cannot be written to.
    pub fn open_all(requests: &[Request], job_summary: Option<&OsStr>) -> Result<Vec<Self>, SinkError> {
        let mut requests = requests.to_vec();
        if requests.iter().all(|request| request.path.is_some()) {
            requests.insert(0, Request { format: Format::Terminal, path: None });
        }
        for (index, request) in requests.iter().enumerate() {
            if let Some(other) = requests[..index].iter().find(|other| collide(other, request)) {
                let place = request.path.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
                return Err(SinkError::SamePlace { first: other.format, second: request.format, place });
            }
        }
        requests.iter().map(|request| Self::open(request, job_summary)).collect()
    }

    fn open(request: &Request, job_summary: Option<&OsStr>) -> Result<Self, SinkError> {
        let format = request.format;
        let Some(path) = &request.path else { return Ok(Self { format, target: Target::Stdout }) };
        let target = probe(path, job_summary);
        let target = target.map_err(|error| SinkError::Unwritable { format, path: path.clone(), reason: reason(path, &error) })?;
        Ok(Self { format, target })
    }

    /// Whether the report goes to standard output.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        matches!(self.target, Target::Stdout)
    }

    /// Write the report. A reader who went away is no error: it has seen what it wanted.
    ///
    /// # Errors
    /// When the place cannot be written to any more, such as on a full disk; what stood there before is untouched if it was a file.
    pub fn finish(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), SinkError> {
        let (result, path) = match self.target {
            Target::Stdout => (write_through(io::stdout().lock(), write), PathBuf::from("standard output")),
            Target::Open(path, file) => (write_through(file, write), path),
            Target::Replace(path) => (replace(&path, write), path),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(SinkError::Unwritable { format: self.format, reason: reason(&path, &error), path }),
            Ok(()) => Ok(()),
        }
    }
}

/// Whether two requests cannot both be met. Frames and annotations are lines and may share standard output, as both belong into a job's log.
fn collide(one: &Request, other: &Request) -> bool {
    let lines = |format| matches!(format, Format::Terminal | Format::Github);
    match (&one.path, &other.path) {
        (None, None) => one.format == other.format || !(lines(one.format) && lines(other.format)),
        (Some(one), Some(other)) => one == other && !direct(one),
        _ => false,
    }
}

/// Whether a path is a descriptor of this process: it may stand for a file, and must not be renamed over.
fn direct(path: &Path) -> bool {
    path == Path::new("/dev/stderr") || path.starts_with("/dev/fd") || path.starts_with("/proc")
}

/// Find out how `path` can be written, without leaving anything there.
fn probe(path: &Path, job_summary: Option<&OsStr>) -> io::Result<Target> {
    if job_summary.is_some_and(|summary| Path::new(summary) == path) {
        return OpenOptions::new().append(true).create(true).open(path).map(|file| Target::Open(path.to_owned(), file));
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if direct(path) || !found.is_file() => {
            return OpenOptions::new().append(true).open(path).map(|file| Target::Open(path.to_owned(), file));
        }
        Ok(_) => {
            OpenOptions::new().append(true).open(path)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // A link stays a link: what it points to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.file_name().is_none() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    drop(beside(&path)?);
    Ok(Target::Replace(path))
}

/// A new file in the directory of `path`, with the permissions that a new file there would have.
fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".proctor-report-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The process's umask still takes away what it takes away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let file = beside(path)?;
    if let Ok(found) = fs::metadata(path) {
        file.as_file().set_permissions(found.permissions())?;
    }
    write_through(file.as_file(), write)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn write_through(out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    write(&mut out)?;
    out.flush()
}

/// What is wrong with a path, and what to do.
fn reason(path: &Path, error: &io::Error) -> String {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match error.kind() {
        io::ErrorKind::NotFound => format!("the directory {} does not exist; make it first", directory.display()),
        io::ErrorKind::IsADirectory => "it is a directory; name a file in it".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied; choose a path that you may write to".to_owned(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full; make room and run again".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        text.parse().unwrap()
    }

    fn refused(requests: &[Request]) -> String {
        Sink::open_all(requests, None).unwrap_err().to_string()
    }

    #[test]
    fn a_request_is_a_word_and_perhaps_a_path() {
        assert_eq!(request("json"), Request { format: Format::Json, path: None });
        assert_eq!(request("junit=a=b.xml"), Request { format: Format::Junit, path: Some("a=b.xml".into()) });
        assert_eq!(request("json=-").path, None);
        assert_eq!(request("json=/dev/stdout").path, None);
        let unknown = "yaml".parse::<Request>().unwrap_err().to_string();
        assert_eq!(unknown, "there is no format `yaml`: use one of terminal, json, junit, sarif, github, markdown, html, badge");
        assert!("json=".parse::<Request>().unwrap_err().to_string().contains("names no path"));
    }

    #[test]
    fn the_terminal_report_is_there_unless_something_else_takes_its_place() {
        let formats = |texts: &[&str]| {
            let requests: Vec<_> = texts.iter().map(|text| request(text)).collect();
            Sink::open_all(&requests, None).unwrap().iter().map(|sink| sink.format).collect::<Vec<_>>()
        };
        assert_eq!(formats(&[]), [Format::Terminal]);
        assert_eq!(formats(&["json"]), [Format::Json]);
        assert_eq!(formats(&["json=/dev/null"]), [Format::Terminal, Format::Json]);
        assert_eq!(formats(&["github", "terminal"]), [Format::Github, Format::Terminal]);
    }

    #[test]
    fn two_reports_never_share_a_place() {
        assert!(refused(&[request("json"), request("terminal")]).contains("standard output"));
        assert!(refused(&[request("json=a"), request("html=a")]).contains("both go to a"));
    }

    #[test]
    fn a_bad_path_fails_before_anything_runs() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Request { format: Format::Json, path: Some(folder.path().join("no/where.json")) };
        assert!(refused(&[missing]).contains("does not exist; make it first"));
        let directory = Request { format: Format::Html, path: Some(folder.path().to_owned()) };
        assert!(refused(&[directory]).contains("it is a directory"));
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let open = || Sink::open_all(&[Request { format: Format::Json, path: Some(path.clone()) }], None).unwrap().pop().unwrap();
        let failed = open().finish(|out| out.write_all(b"half").and(Err(io::ErrorKind::StorageFull.into())));
        assert!(failed.unwrap_err().to_string().contains("the disk is full"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        open().finish(|out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_are_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real.html"), folder.path().join("link.html"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let sink = Sink::open_all(&[Request { format: Format::Html, path: Some(link.clone()) }], None).unwrap().pop().unwrap();
        sink.finish(|out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_job_summary_is_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        fs::write(&path, "before\n").unwrap();
        let request = Request { format: Format::Markdown, path: Some(path.clone()) };
        let sink = Sink::open_all(&[request], Some(path.as_os_str())).unwrap().pop().unwrap();
        sink.finish(|out| out.write_all(b"after\n")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before\nafter\n");
    }

    #[test]
    fn a_reader_who_went_away_is_no_error() {
        let sink = Sink { format: Format::Json, target: Target::Stdout };
        assert!(sink.finish(|_| Err(io::ErrorKind::BrokenPipe.into())).is_ok());
    }
}
