//! `proctor import`: a legacy guide becomes a tree of Markdown that reads back as the same lessons.

mod place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::{Exit, course, print, tell, usage};
use crate::config::Config;
use crate::guide::load::{Format, load};
use crate::lab::Assumption;
use crate::maintain::import::{Carried, carry};
use crate::snapshot::name::lab_folder;
use crate::source::display_path;

/// Arguments of `proctor import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  proctor import guide.txt --into course      a plain text with a table of contents
  proctor import old-site/ --into course      a folder of HTML pages
  proctor -C course check                     what was written, checked

DIR gets content/ with SUMMARY.md and a file a lesson, labs/ with a lab.toml for each lesson that takes something
for granted, and a proctor.toml if it has none. All of it is written or nothing; no file is ever written over.")]
pub struct Args {
    /// The guide: a plain text, a page of HTML, reStructuredText or a notebook, or a folder of them.
    #[arg(value_name = "GUIDE")]
    guide: PathBuf,
    /// The folder to write to; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

/// Run the command.
///
/// # Errors
/// A usage error if there is nothing to read, nothing to carry over, or no place to write to. Then nothing was written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let base = std::env::current_dir()?;
    let guide = load(&args.guide, &base).map_err(|error| usage(error.to_string()))?;
    let mut written = guide.lessons().filter(|lesson| !lesson.draft);
    if written.all(|lesson| Format::of(Path::new(lesson.source.path())) == Some(Format::Markdown)) {
        let shown = args.guide.display();
        return Err(usage(format!("{shown} is Markdown already: add a SUMMARY.md that lists its pages, and `proctor check` reads it as one guide")).into());
    }
    let carried = carry(&guide, &assumptions(&args.guide)?);
    let config = Config::find(&args.into).map_err(|error| usage(error.to_string()))?;
    let files = files(&carried, &args.into, &config)?;
    place::write(&args.into, &files).map_err(|error| usage(error.to_string()))?;
    for note in &carried.notes {
        tell(&format!("note: {note}"));
    }
    print(summary(&carried, &display_path(&args.into, &base)).as_bytes())
}

/// What each lesson takes for granted, as far as it shows without running anything.
fn assumptions(guide: &Path) -> anyhow::Result<BTreeMap<String, Vec<Assumption>>> {
    let course = course::find(&[guide.to_string_lossy().into_owned()])?;
    Ok(course
        .planned
        .iter()
        .filter(|planned| !planned.lesson.blocks.is_empty())
        .map(|planned| (planned.lesson.id.clone(), planned.lab().assumptions))
        .collect())
}

/// Every file that is to be written, by its path in the folder.
fn files(carried: &Carried, into: &Path, config: &Config) -> anyhow::Result<BTreeMap<String, String>> {
    let own = std::path::absolute(into)?;
    // A configuration further up is another course's.
    let is_configured = config.root == own && own.join("proctor.toml").is_file();
    let inside = |named: Option<&String>, default: &str| match named.filter(|_| is_configured) {
        None => Ok(default.to_owned()),
        Some(named) if Path::new(named).components().all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir)) => {
            Ok(named.clone())
        }
        Some(named) => {
            Err(usage(format!("{} says `{named}`, which lies outside of {}: nothing was written", own.join("proctor.toml").display(), into.display())))
        }
    };
    let (guide, labs) = (inside(config.guide.as_ref(), "content")?, inside(config.labs.as_ref(), "labs")?);
    let mut files: BTreeMap<String, String> = carried.pages.iter().map(|(path, text)| (format!("{guide}/{path}"), text.clone())).collect();
    for (id, text) in &carried.stubs {
        let path = lab_folder(Path::new(&labs), id).join("lab.toml");
        files.insert(path.to_string_lossy().into_owned(), text.clone());
    }
    if !is_configured {
        files.insert("proctor.toml".to_owned(), format!("guide = \"{guide}\"\nlabs = \"{labs}\"\nenvironment = \"flask\"\n"));
    }
    Ok(files)
}

/// What was written, in a few lines.
fn summary(carried: &Carried, into: &str) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let entries = carried.lessons + carried.drafts;
    let entries = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
    let into_shown = if into.is_empty() { "." } else { into };
    let mut text = format!(
        "{into_shown}: {entries} in {}: {} written, with {}; {} announced\n",
        counted(carried.chapters, "chapter"),
        counted(carried.lessons, "lesson"),
        counted(carried.blocks, "block"),
        carried.drafts
    );
    if !carried.stubs.is_empty() {
        let is_one = carried.stubs.len() == 1;
        text.push_str(&format!(
            "{} {} what {} for granted: see {}\n",
            counted(carried.stubs.len(), "lab.toml"),
            if is_one { "says" } else { "say" },
            if is_one { "its lesson takes" } else { "their lessons take" },
            if into.is_empty() { "labs/".to_owned() } else { format!("{into}/labs/") }
        ));
    }
    text.push_str(&format!("next: proctor -C {into_shown} check\n"));
    text
}
