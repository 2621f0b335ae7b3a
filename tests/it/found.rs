//! Inputs that a fuzzer once found to be trouble, fed through what it tried: see tests/fuzz/README.md.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

#[path = "../fuzz/properties.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets, which have the same file, want it so")]
mod properties;

/// Panics where the bytes break what must hold.
type Property = fn(&[u8]);

/// What tries the inputs of a folder, by its name.
const TARGETS: &[(&str, Property)] = &[
    ("assemble", properties::assemble),
    ("config", properties::config),
    ("directive", properties::directive),
    ("html", properties::html),
    ("judge", properties::judge),
    ("lock", properties::lock),
    ("manifest", properties::manifest),
    ("markdown", properties::markdown),
    ("matching", properties::matching),
    ("notebook", properties::notebook),
    ("rst", properties::rst),
    ("snapshot", properties::snapshot),
    ("summary", properties::summary),
    ("text", properties::text),
];

/// The inputs below a folder: name and bytes.
fn inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn what_was_found_is_no_trouble_any_more() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    for (target, holds) in TARGETS {
        assert!(fuzz.join(format!("targets/{target}.rs")).is_file(), "{target} is a target");
        for (name, bytes) in ["found", "seeds"].iter().flat_map(|kind| inputs(&fuzz.join(kind).join(target))) {
            let begun = std::time::Instant::now();
            assert!(std::panic::catch_unwind(|| holds(&bytes)).is_ok(), "{name} breaks what must hold");
            assert!(begun.elapsed().as_secs() < 20, "{name} takes {:?}", begun.elapsed());
        }
    }
    let known = std::fs::read_dir(fuzz.join("targets")).unwrap().count();
    assert_eq!(known, TARGETS.len(), "every target is tried");
}
