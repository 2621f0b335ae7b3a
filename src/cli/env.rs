//! `proctor env`: lists, builds, carries and locks the environments that lessons run in.

mod lock;
mod upgrade;

use std::path::{Path, PathBuf};

use super::output::say;
use super::spinner::Spinner;
use super::{Exit, Failure, usage};
use crate::config::Config;
use crate::engine::docker::connect::{Connection, connect};
use crate::env::{Base, Environment, Origin, archive, choose_python, find_image, image_name};

/// The environments that lessons run in.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the environments, and what is built of each.
    List,
    /// Build an environment: its image where a container engine answers, else a virtual environment.
    Build {
        /// The environment's name.
        #[arg(default_value = "flask")]
        name: String,
        /// What to build.
        #[arg(long, value_enum, default_value_t)]
        engine: Kind,
        /// The Python to make a virtual environment with.
        #[arg(long, value_name = "PATH")]
        python: Option<PathBuf>,
    },
    /// Print the tag of an environment's image.
    Image {
        /// The environment's name.
        #[arg(default_value = "flask")]
        name: String,
    },
    /// Make an environment's lock again from what it asks for (NAME.in): what is locked stays, as long as that allows it
    ///
    /// For an environment that came with Proctor, the course gets one of its own: docker/env/NAME.in, NAME.txt and NAME.apt. A course whose proctor.toml
    /// names its own requirements has those locked. Packages are resolved by uv, from your own package index.
    Lock {
        /// The environment's name; the course's own if left out.
        name: Option<String>,
    },
    /// Resolve an environment to the newest releases, and show which lessons that changes before the lock is written
    ///
    /// The exit status is 1 if a lesson does worse, whether the lock was written or not.
    Upgrade(Box<upgrade::Args>),
    /// Write an environment's image to a file, for a machine without a network.
    Save {
        /// The environment's name.
        name: String,
        /// The file to write.
        file: PathBuf,
    },
    /// Read an image from a file that `save` wrote.
    Load {
        /// The file to read.
        file: PathBuf,
    },
}

/// What an environment is built for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// The container engine, if one answers, else this machine.
    #[default]
    Auto,
    /// The container engine.
    Docker,
    /// This machine.
    Local,
}

/// Runs the command.
///
/// # Errors
/// With what went wrong and what to do next.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let root = course_root();
    let root = root.as_deref();
    match &args.command {
        Command::List => say(&list(root).await?)?,
        Command::Build { name, engine, python } => {
            let environment = find(name, root)?;
            say(&build(&environment, *engine, python.as_deref()).await?)?;
        }
        Command::Image { name } => {
            let environment = find(name, root)?;
            let built = match connect().await {
                Ok(connection) => find_image(&connection.docker, &environment).await?,
                Err(_) => None,
            };
            say(&built.unwrap_or_else(|| environment.image_tag(Base::Official)))?;
        }
        Command::Lock { name } => return lock::run(name.as_deref(), &config()?).await,
        Command::Upgrade(args) => return upgrade::run(args, &config()?).await,
        Command::Save { name, file } => {
            let environment = find(name, root)?;
            let connection = connect().await?;
            let mut spinner = Spinner::new();
            let tag = environment.ensure_image(&connection.docker, &mut |line| spinner.tell(line)).await?;
            let bytes = archive::save(&connection.docker, &tag, file, &mut |line| spinner.tell(line)).await?;
            drop(spinner);
            say(&format!("{tag} is in {} ({} MB)", file.display(), bytes >> 20))?;
        }
        Command::Load { file } => {
            let connection = connect().await?;
            let mut spinner = Spinner::new();
            let tags = archive::load(&connection.docker, file, &mut |line| spinner.tell(line)).await?;
            drop(spinner);
            say(&loaded(&tags, root)?)?;
        }
    }
    Ok(Exit::Fine)
}

/// The course that this directory belongs to: the nearest directory upwards with a `proctor.toml`.
pub(super) fn course_root() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().find(|directory| directory.join("proctor.toml").is_file()).map(Path::to_owned)
}

/// The configuration of the course that we stand in.
fn config() -> Result<Config, Failure> {
    Config::find(Path::new(".")).map_err(|error| usage(error.to_string()))
}

/// An environment that is not there, or cannot be read, is a mistake in an argument or in the course.
fn find(name: &str, root: Option<&Path>) -> Result<Environment, Failure> {
    Environment::find(name, root).map_err(|error| usage(error.to_string()))
}

async fn list(root: Option<&Path>) -> anyhow::Result<String> {
    let connection = connect().await.ok();
    let mut text = String::new();
    for name in Environment::list(root) {
        let environment = find(&name, root)?;
        text.push_str(&format!("{name}: {}\n", describe(&environment, connection.as_ref()).await?));
    }
    Ok(text)
}

/// What an environment holds and what is built of it, in a line.
pub(super) async fn describe(environment: &Environment, connection: Option<&Connection>) -> anyhow::Result<String> {
    let packages = environment.requirements().len();
    let lock = if environment.is_locked() { "locked" } else { "not locked: it may differ from day to day" };
    let from = match environment.origin() {
        Origin::Embedded => String::new(),
        Origin::File(path) => format!(", {}", path.display()),
    };
    let image = match connection {
        None => "no container engine".to_owned(),
        Some(connection) => match find_image(&connection.docker, environment).await? {
            Some(tag) => format!("image {tag}"),
            None => "no image yet".to_owned(),
        },
    };
    let venv = match choose_python(None).await {
        Err(_) => "no Python for a virtual environment".to_owned(),
        Ok(python) => match environment.find_venv(&python)? {
            Some(path) => format!("virtual environment {}", path.parent().and_then(Path::parent).unwrap_or(&path).display()),
            None => "no virtual environment yet".to_owned(),
        },
    };
    Ok(format!("{packages} packages, {lock}{from}; {image}; {venv}"))
}

async fn build(environment: &Environment, kind: Kind, python: Option<&Path>) -> anyhow::Result<String> {
    let mut spinner = Spinner::new();
    let connection = match (kind, connect().await) {
        (Kind::Local, _) => None,
        (Kind::Docker, connection) => Some(connection?),
        (Kind::Auto, connection) => connection.ok(),
    };
    if let Some(connection) = connection {
        return Ok(environment.ensure_image(&connection.docker, &mut |line| spinner.tell(line)).await?);
    }
    let python = environment.ensure_venv(python, &mut |line| spinner.tell(line)).await?;
    Ok(python.display().to_string())
}

/// What a loaded image is good for: an environment finds it only by the tag that its own requirements have.
fn loaded(tags: &[String], root: Option<&Path>) -> anyhow::Result<String> {
    let mut known = Vec::new();
    for name in Environment::list(root) {
        let environment = find(&name, root)?;
        known.extend(Base::ALL.map(|base| environment.image_tag(base)));
    }
    let lines = tags.iter().map(|tag| match () {
        () if known.contains(tag) => format!("loaded {tag}\n"),
        () if image_name(tag).is_some() => {
            format!("loaded {tag}, which no environment of this Proctor and this course asks for: save it with the same version of both\n")
        }
        () => format!("loaded {tag}, which is not an environment of Proctor's\n"),
    });
    Ok(lines.collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_loaded_image_that_nobody_will_find_is_said_to_be_one() {
        let known = Environment::find("flask", None).unwrap().image_tag(Base::Debian);
        let text = loaded(&[known.clone(), "proctor-flask:000000000000".to_owned(), "alpine:3".to_owned()], None).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], format!("loaded {known}"));
        assert!(lines[1].contains("same version"), "{text}");
        assert!(lines[2].contains("not an environment"), "{text}");
    }
}
