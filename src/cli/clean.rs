//! `proctor clean`: removes what Proctor made, which it knows by its label, and nothing else.

use std::collections::HashMap;
use std::path::Path;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ContainerSummaryStateEnum;
use bollard::query_parameters::{
    ListContainersOptions, ListImagesOptions, ListNetworksOptions, ListVolumesOptions, RemoveContainerOptions, RemoveImageOptions, RemoveVolumeOptions,
};

use super::Exit;
use super::output::say;
use crate::engine::docker::connect::connect;
use crate::env::{LABEL, cache_dir};

/// Remove what Proctor made: containers, images, networks and volumes with its label.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only list what would be removed.
    #[arg(long)]
    dry_run: bool,
    /// Remove the cache on this machine as well: virtual environments and results.
    #[arg(long)]
    cache: bool,
    /// End containers that are still running, which another Proctor may be using.
    #[arg(long)]
    force: bool,
}

/// What was found, a line each, in the order in which it goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// What was removed, or would be.
    pub removed: Vec<String>,
    /// What was left, and why.
    pub kept: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// If no engine answers (and the cache was not asked for), or something could not be listed.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut swept = Swept::default();
    match connect().await {
        Ok(connection) => swept = sweep(&connection.docker, LABEL, args.force, args.dry_run).await?,
        Err(error) if args.cache => swept.kept.push(format!("whatever a container engine holds: {error}")),
        Err(error) => return Err(error.into()),
    }
    if args.cache {
        sweep_cache(&cache_dir()?, args.dry_run, &mut swept);
    }
    say(&tell(&swept, args.dry_run))?;
    Ok(if swept.kept.is_empty() { Exit::Fine } else { Exit::Engine })
}

fn tell(swept: &Swept, dry_run: bool) -> String {
    let verb = if dry_run { "would remove" } else { "removed" };
    let removed = swept.removed.iter().map(|what| format!("{verb} {what}\n"));
    let kept = swept.kept.iter().map(|what| format!("kept {what}\n"));
    let text: String = removed.chain(kept).collect();
    if text.is_empty() { "nothing to remove\n".to_owned() } else { text }
}

/// Removes everything with that label from an engine: containers first, because they hold on to the rest.
///
/// # Errors
/// If the engine cannot list what it has.
pub async fn sweep(docker: &Docker, label: &str, force: bool, dry_run: bool) -> anyhow::Result<Swept> {
    let mut swept = Swept::default();
    let filter = || Some(HashMap::from([("label".to_owned(), vec![label.to_owned()])]));
    let containers = docker.list_containers(Some(ListContainersOptions { all: true, filters: filter(), ..Default::default() })).await?;
    for container in sorted(containers, |container| container.id.clone().unwrap_or_default()) {
        let id = container.id.unwrap_or_default();
        let name =
            container.names.and_then(|names| names.into_iter().next()).map_or_else(|| short(&id).to_owned(), |name| name.trim_start_matches('/').to_owned());
        let what = format!("container {name}");
        if container.state == Some(ContainerSummaryStateEnum::RUNNING) && !force {
            swept.kept.push(format!("{what}: it is running, so another proctor may be at work (`--force` ends it)"));
        } else {
            let removal = docker.remove_container(&id, Some(RemoveContainerOptions { force: true, v: true, ..Default::default() }));
            swept.note(what, dry_run, removal).await;
        }
    }
    let networks = docker.list_networks(Some(ListNetworksOptions { filters: filter() })).await?;
    for name in sorted(networks.into_iter().filter_map(|network| network.name).collect(), Clone::clone) {
        swept.note(format!("network {name}"), dry_run, docker.remove_network(&name)).await;
    }
    let volumes = docker.list_volumes(Some(ListVolumesOptions { filters: filter() })).await?.volumes.unwrap_or_default();
    for name in sorted(volumes.into_iter().map(|volume| volume.name).collect(), Clone::clone) {
        swept.note(format!("volume {name}"), dry_run, docker.remove_volume(&name, None::<RemoveVolumeOptions>)).await;
    }
    let images = docker.list_images(Some(ListImagesOptions { filters: filter(), ..Default::default() })).await?;
    // Newest first: an image that another is built on was there before it.
    let mut images: Vec<_> = images.into_iter().map(|image| (std::cmp::Reverse(image.created), image.repo_tags, image.id)).collect();
    images.sort();
    for (_, tags, id) in images {
        let named: Vec<String> = tags.into_iter().filter(|tag| !tag.starts_with("<none>")).collect();
        let names = if named.is_empty() { vec![id] } else { named };
        for name in names {
            let removal = async { docker.remove_image(&name, None::<RemoveImageOptions>, None).await.map(drop) };
            swept.note(format!("image {}", short(&name)), dry_run, removal).await;
        }
    }
    Ok(swept)
}

impl Swept {
    /// Removes one thing, unless this is a dry run, and notes how that went. Something that has gone meanwhile is gone.
    async fn note(&mut self, what: String, dry_run: bool, removal: impl Future<Output = Result<(), Error>>) {
        let result = if dry_run { Ok(()) } else { removal.await };
        match result {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => self.removed.push(what),
            Err(Error::DockerResponseServerError { message, .. }) => self.kept.push(format!("{what}: {}", message.trim())),
            Err(error) => self.kept.push(format!("{what}: {error}")),
        }
    }
}

fn sweep_cache(directory: &Path, dry_run: bool, swept: &mut Swept) {
    let what = format!("cache {}", directory.display());
    if !directory.exists() {
        return;
    }
    let result = if dry_run { Ok(()) } else { std::fs::remove_dir_all(directory) };
    match result {
        Ok(()) => swept.removed.push(what),
        Err(error) => swept.kept.push(format!("{what}: {error}")),
    }
}

fn sorted<T, K: Ord>(mut items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    items.sort_by_key(key);
    items
}

/// An id as people write it. Anything else stays as it is.
fn short(name: &str) -> &str {
    let id = name.strip_prefix("sha256:").unwrap_or(name);
    if id.len() == 64 { &id[..12] } else { name }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_cache_goes_only_when_it_is_not_a_dry_run() {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("proctor");
        std::fs::create_dir_all(cache.join("venv/a")).unwrap();
        let mut swept = Swept::default();
        sweep_cache(&cache, true, &mut swept);
        assert!(cache.exists());
        assert_eq!(tell(&swept, true), format!("would remove cache {}\n", cache.display()));
        let mut swept = Swept::default();
        sweep_cache(&cache, false, &mut swept);
        assert!(!cache.exists() && directory.path().exists());
        assert_eq!(tell(&swept, false), format!("removed cache {}\n", cache.display()));
        let mut swept = Swept::default();
        sweep_cache(&cache, false, &mut swept);
        assert_eq!(tell(&swept, false), "nothing to remove\n");
    }

    #[test]
    fn ids_are_shortened_and_names_are_not() {
        assert_eq!(short(&format!("sha256:{}", "ab".repeat(32))), "abababababab");
        assert_eq!(short("proctor-flask:0123456789ab"), "proctor-flask:0123456789ab");
    }
}
