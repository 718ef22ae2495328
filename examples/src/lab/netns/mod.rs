//! The domain in network namespaces, with the real programs.

pub(in crate::lab) mod process;
mod show;
mod tools;
mod topology;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use self::process::Program;
use self::tools::{End, TRANSFER_RATE, Tools};
use self::topology::Topology as Namespaces;
use super::domain::{Domain, FlowRow, LabError, Node, PathRow, SessionRow, Topology, WanState};
use super::node_config::NodeConfigs;
use super::screen::Screen;
use super::signal;
use super::spec::DomainSpec;
use super::traffic::{Direction, Traffic};
use crate::platform::netns::{may_create, sweep_stale};
use crate::platform::rights::{Right, require};

/// How often a pause looks for Ctrl-C and for programs that ended.
const LOOK: Duration = Duration::from_millis(10);
/// Directories of runs are called this and the process id.
const DIRECTORY: &str = "pmip-lab-";

/// Whether this process may build it; else which right is missing and how to get it.
pub(super) fn rights() -> Result<(), String> {
    let program = std::env::current_exe()
        .map_or_else(|_| "pmip".to_owned(), |path| path.display().to_string());
    if require(&program, &[Right::NetAdmin, Right::NetRaw]).is_err() || !may_create() {
        return Err(format!(
            "network namespaces, TUN devices and raw sockets need CAP_SYS_ADMIN, CAP_NET_ADMIN and \
             CAP_NET_RAW: run `sudo {program} lab`"
        ));
    }
    if !Path::new("/dev/net/tun").exists() {
        return Err("there is no /dev/net/tun here: load the kernel module `tun`".to_owned());
    }
    Ok(())
}

/// The running domain. Fields are dropped in order: tools, programs, then what they ran in.
pub(super) struct NetnsDomain {
    spec: DomainSpec,
    tools: Tools,
    /// `None` once it was told to stop.
    mag: Option<Program>,
    lma: Program,
    namespaces: Namespaces,
    host: Option<Ipv4Addr>,
    epoch: Instant,
    _directory: RunDirectory,
}

impl NetnsDomain {
    /// Sweeps what earlier runs left, builds the namespaces and starts the programs.
    ///
    /// # Errors
    /// What the kernel refused, or a program's own words.
    pub(super) fn start(spec: DomainSpec, screen: &mut Screen) -> Result<Self, LabError> {
        signal::watch().map_err(|error| LabError::domain("watching for Ctrl-C", error))?;
        sweep(screen);
        let directory = RunDirectory::create()?;
        let config = directory.path.join("lab.toml");
        fs::write(&config, NodeConfigs::from_spec(&spec)?.text)
            .map_err(|error| LabError::domain("writing the configuration", error))?;
        let namespaces = Namespaces::build(&spec)?;
        screen.line(&format!(
            "namespaces: {} (`ip netns exec {} ...` looks inside)",
            namespaces.names().join(", "),
            namespaces.mag.name(),
        ));
        let epoch = Instant::now();
        let lma = Program::start("lma", &namespaces.lma, &directory.path, &config)?;
        let mag = Program::start("mag", &namespaces.mag, &directory.path, &config)?;
        Ok(Self {
            spec,
            tools: Tools::new(epoch),
            mag: Some(mag),
            lma,
            namespaces,
            host: None,
            epoch,
            _directory: directory,
        })
    }

    /// The control socket of `node`, while it runs.
    fn control(&self, node: Node) -> Option<&Path> {
        let program = match node {
            Node::Mag => self.mag.as_ref(),
            Node::Lma => Some(&self.lma),
        };
        program.map(|program| program.control.as_path())
    }

    fn host(&self) -> Result<Ipv4Addr, LabError> {
        let missing = || LabError::Domain("the host has no address yet".to_owned());
        self.host.ok_or_else(missing)
    }
}

impl Domain for NetnsDomain {
    fn topology(&self) -> Topology {
        Topology::Netns
    }

    fn spec(&self) -> &DomainSpec {
        &self.spec
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn run_for(&mut self, span: Duration) -> Result<(), LabError> {
        let end = Instant::now() + span;
        loop {
            if signal::interrupted() {
                return Err(LabError::Interrupted);
            }
            if let Some(mag) = &mut self.mag {
                mag.check()?;
            }
            self.lma.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK));
        }
    }

    fn paths(&mut self, node: Node) -> Result<Vec<PathRow>, LabError> {
        match self.control(node) {
            Some(control) => show::paths(control, &self.spec),
            None => Ok((0..self.spec.wans.len()).map(PathRow::absent).collect()),
        }
    }

    fn sessions(&mut self, node: Node) -> Result<Vec<SessionRow>, LabError> {
        self.control(node)
            .map_or_else(|| Ok(Vec::new()), show::sessions)
    }

    fn flows(&mut self, node: Node) -> Result<Vec<FlowRow>, LabError> {
        let control = self.control(node);
        control.map_or_else(
            || Ok(Vec::new()),
            |control| show::flows(control, &self.spec),
        )
    }

    fn attach_host(
        &mut self,
        host: Ipv4Addr,
        router: Ipv4Addr,
        prefix_length: u8,
    ) -> Result<(), LabError> {
        self.namespaces.attach_host(host, router, prefix_length)?;
        self.host = Some(host);
        Ok(())
    }

    fn set_wan(&mut self, wan: usize, state: WanState) -> Result<(), LabError> {
        self.namespaces.set_wan(wan, state)
    }

    fn start_pings(
        &mut self,
        direction: Direction,
        flows: usize,
        interval: Duration,
    ) -> Result<(), LabError> {
        let host = self.host()?;
        for peer in self.spec.correspondents().take(flows) {
            let (namespace, source, destination) = match direction {
                Direction::Up => (&self.namespaces.host, host, peer),
                Direction::Down => (&self.namespaces.correspondent, peer, host),
            };
            let asker = End {
                namespace,
                address: source,
            };
            self.tools.ping(direction, &asker, destination, interval)?;
        }
        Ok(())
    }

    fn start_transfers(
        &mut self,
        direction: Direction,
        connections: usize,
    ) -> Result<(), LabError> {
        let host = End {
            namespace: &self.namespaces.host,
            address: self.host()?,
        };
        let peer = End {
            namespace: &self.namespaces.correspondent,
            address: self.spec.correspondent(),
        };
        for _ in 0..connections {
            match direction {
                Direction::Up => self.tools.transfer(direction, &host, &peer)?,
                Direction::Down => self.tools.transfer(direction, &peer, &host)?,
            }
        }
        Ok(())
    }

    fn stop_mag(&mut self) -> Result<(), LabError> {
        self.mag.take().map_or(Ok(()), Program::stop)
    }

    fn pace(&self) -> Option<u64> {
        Some(TRANSFER_RATE)
    }

    fn traffic(&self) -> Traffic {
        self.tools.traffic()
    }

    fn stop_traffic(&mut self) {
        self.tools.stop();
    }
}

/// Configuration, logs, control sockets and state of one run; dropping it removes it.
pub(in crate::lab) struct RunDirectory {
    pub(in crate::lab) path: PathBuf,
}

impl RunDirectory {
    pub(in crate::lab) fn create() -> Result<Self, LabError> {
        let path = std::env::temp_dir().join(format!("{DIRECTORY}{}", std::process::id()));
        fs::create_dir_all(&path)
            .map_err(|error| LabError::domain("making a directory for the run", error))?;
        Ok(Self { path })
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what runs that could not clean up left behind.
pub(in crate::lab) fn sweep(screen: &mut Screen) {
    let swept = sweep_stale().unwrap_or_default();
    if !swept.is_empty() {
        let names = swept.join(", ");
        screen.line(&format!("removed what an earlier run left behind: {names}"));
    }
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(DIRECTORY))
            .and_then(|id| id.parse::<u32>().ok());
        let gone = |id: u32| !Path::new("/proc").join(id.to_string()).exists();
        if owner.is_some_and(gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
