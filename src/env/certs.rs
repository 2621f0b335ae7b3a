//! Root certificates that this machine trusts beside the usual ones: behind a company's proxy, nothing can be fetched without them.
//! Reads files and variables that it is given, and never changes either.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::cache;

/// Where administrators put their own: Debian's and Red Hat's place.
const ANCHORS: &[&str] = &["/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"];

/// Bundles of everything that the system trusts. What an administrator added is in them too, but only [`ANCHORS`] tells which that is.
const SYSTEM_BUNDLES: &[&str] = &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Variables that name a bundle of somebody's own.
const VARIABLES: &[&str] = &["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"];

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The extra certificates by file name, one a file, each once.
pub(super) fn extra() -> BTreeMap<String, String> {
    let named: Vec<PathBuf> = VARIABLES.iter().filter_map(std::env::var_os).map(PathBuf::from).collect();
    let mut files: Vec<PathBuf> = ANCHORS.iter().flat_map(|directory| files_under(Path::new(directory))).collect();
    files.extend(named.into_iter().filter(|bundle| !is_usual(bundle)));
    collect(&files)
}

/// Whether a bundle is the system's own, or the one that Python packages carry along, under whatever name.
fn is_usual(bundle: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    bundle.ends_with("certifi/cacert.pem") || SYSTEM_BUNDLES.iter().any(|usual| real(bundle) == real(Path::new(usual)))
}

/// Files of certificates in a directory and those below it. What cannot be read is passed over: the build will say what it misses.
fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files_under(&path));
        } else if path.extension().is_some_and(|ending| ending == "crt" || ending == "pem") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn collect(files: &[PathBuf]) -> BTreeMap<String, String> {
    let texts = files.iter().filter_map(|file| std::fs::read(file).ok()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    texts
        .flat_map(|text| certificates(&text))
        // `update-ca-certificates` takes files that end in `.crt`, of one certificate each.
        .map(|certificate| (format!("{}.crt", &cache::hash(&[certificate.as_bytes()])[..16]), certificate))
        .collect()
}

/// The certificates of a bundle, without the remarks between them.
fn certificates(bundle: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = bundle;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let Some((body, after)) = after.split_once(END) else { break };
        let lines: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        found.push(format!("{BEGIN}\n{}\n{END}\n", lines.join("\n")));
        rest = after;
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn pem(body: &str) -> String {
        format!("{BEGIN}\n{body}\n{END}\n")
    }

    #[test]
    fn a_bundle_is_taken_apart_and_each_certificate_kept_once() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("more")).unwrap();
        std::fs::write(directory.path().join("a.crt"), format!("# first\n{}remark\r\n{}", pem("AAAA"), pem("BBBB").replace('\n', "\r\n"))).unwrap();
        std::fs::write(directory.path().join("more/b.pem"), pem("BBBB")).unwrap();
        std::fs::write(directory.path().join("notes.txt"), pem("CCCC")).unwrap();
        std::fs::write(directory.path().join("cut.crt"), "-----BEGIN CERTIFICATE-----\nDDDD").unwrap();
        let found = collect(&files_under(directory.path()));
        let mut texts: Vec<_> = found.into_values().collect();
        texts.sort();
        assert_eq!(texts, [pem("AAAA"), pem("BBBB")]);
    }

    #[test]
    fn the_usual_bundles_go_nowhere() {
        assert!(is_usual(Path::new("/etc/ssl/certs/ca-certificates.crt")));
        assert!(is_usual(Path::new("/home/me/venv/lib/certifi/cacert.pem")));
        assert!(!is_usual(Path::new("/home/me/company.pem")));
    }
}
