//! What is installed beside the programs.

use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("pmip-packaging-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn links(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut links: Vec<String> = entries
        .map(|entry| {
            let target = std::fs::read_link(entry.path()).expect("a link");
            format!("{} > {}", entry.file_name().display(), target.display())
        })
        .collect();
    links.sort();
    links
}

fn generate(etc: &Path, units: &Path) {
    let script = repository().join("packaging/systemd/pmip-generator");
    let ran = Command::new("sh")
        .arg(script)
        .arg(units)
        .env("PMIP_ETC", etc)
        .env("PMIP_UNITS", "/units")
        .status()
        .expect("a shell");
    assert!(ran.success(), "{ran}");
}

#[test]
fn every_configuration_starts_its_nodes_with_the_system() {
    let (etc, units) = (Folder::new("etc"), Folder::new("units"));
    for sample in ["mag.cfg", "lma.cfg"] {
        let from = repository().join("docs/samples").join(sample);
        std::fs::copy(from, etc.0.join(sample)).expect("copied");
    }
    std::fs::copy(etc.0.join("mag.cfg"), etc.0.join("old.off.cfg")).expect("copied");
    std::fs::write(etc.0.join("empty.cfg"), "! nothing\n").expect("written");
    let both = "ipv6 mobile pmipv6-domain D\n  ipv6  mobile pmipv6-mag M domain D\nipv6 mobile \
                pmipv6-lma L domain D\n";
    std::fs::write(etc.0.join("both.cfg"), both).expect("written");
    generate(&etc.0, &units.0);
    assert_eq!(
        links(&units.0.join("pmip.target.wants")),
        [
            "pmip-lma@both.service > /units/pmip-lma@.service",
            "pmip-lma@lma.service > /units/pmip-lma@.service",
            "pmip-mag@both.service > /units/pmip-mag@.service",
            "pmip-mag@mag.service > /units/pmip-mag@.service",
        ]
    );
    let target = units.0.join("multi-user.target.wants");
    assert_eq!(links(&target), ["pmip.target > /units/pmip.target"]);
}

#[test]
fn without_a_configuration_nothing_starts() {
    let (etc, units) = (Folder::new("no-etc"), Folder::new("no-units"));
    generate(&etc.0, &units.0);
    assert_eq!(std::fs::read_dir(&units.0).expect("a folder").count(), 0);
}

/// What the units start is what the package installs, and each is told that its node is ready.
#[test]
fn units_start_the_programs_of_the_package() {
    let manifest = repository().join("examples/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).expect("a manifest");
    for program in ["mag", "lma"] {
        let unit = format!("packaging/systemd/pmip-{program}@.service");
        let unit = std::fs::read_to_string(repository().join(&unit)).expect(&unit);
        assert!(unit.contains("Type=notify\n"), "{program}");
        assert!(unit.contains("RestartPreventExitStatus=2\n"), "{program}");
        let start = format!("ExecStart=/usr/bin/{program} --config /etc/pmip/%i.cfg");
        assert!(unit.contains(&start), "{program}");
        let asset = format!("[\"target/release/{program}\", \"usr/bin/\"");
        assert!(manifest.contains(&asset), "{program}");
    }
}
