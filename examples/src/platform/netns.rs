//! Named network namespaces, the veth pairs between them, their addresses and routes.
//!
//! The lab and the namespace tests build their topologies with this; it speaks netlink itself and
//! needs no iproute2. A [`Netns`] removes itself when dropped, and [`sweep_stale`] removes what
//! processes that died without cleaning up left behind, so names carry their owner's process id:
//! `pmip-<pid>-<role>`. `ip netns exec pmip-<pid>-<role> ...` works on them while they live.
//!
//! ```no_run
//! use pmip_examples::platform::netns::{Netns, sweep_stale, veth_pair};
//!
//! sweep_stale()?;
//! let lma = Netns::create("lma")?;
//! let mag = Netns::create("mag")?;
//! veth_pair((&lma, "wan1"), (&mag, "wan1"))?;
//! lma.add_address("wan1", "192.0.2.1".parse()?, 24)?;
//! lma.set_link_up("wan1", true)?;
//! let child = mag.spawn(std::process::Command::new("true"))?;
//! # Ok::<(), anyhow::Error>(())
//! ```

use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use anyhow::{Context, Result, anyhow};
use futures::TryStreamExt;
use nix::mount::{MntFlags, MsFlags};
use nix::sched::CloneFlags;
use pmip_wire::types::IpPrefix;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkMessage};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};

/// Where named namespaces live, as iproute2 has it.
const RUN_DIR: &str = "/run/netns";
/// What every namespace of ours is called, before the process id.
const PREFIX: &str = "pmip-";

/// A named network namespace that this process made; dropping it removes it.
#[derive(Debug)]
pub struct Netns {
    name: String,
    handle: File,
}

impl Netns {
    /// Makes the namespace `pmip-<pid>-<role>`, with `lo` up and duplicate address detection off
    /// (addresses of a fresh topology are usable at once).
    ///
    /// # Errors
    /// Without `CAP_SYS_ADMIN` and `CAP_NET_ADMIN`, or when the name is taken.
    pub fn create(role: &str) -> Result<Self> {
        let name = format!("{PREFIX}{}-{role}", std::process::id());
        let path = path_of(&name);
        prepare_run_dir().context("preparing /run/netns")?;
        File::create_new(&path).with_context(|| format!("creating {}", path.display()))?;
        let made = on_thread(|| {
            nix::sched::unshare(CloneFlags::CLONE_NEWNET)
                .context("making a network namespace (needs CAP_SYS_ADMIN)")?;
            bind_mount(Path::new("/proc/thread-self/ns/net"), &path)?;
            prepare_inside()
        });
        if let Err(error) = made {
            remove(&path);
            return Err(error);
        }
        let handle = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        Ok(Self { name, handle })
    }

    /// The full name, `pmip-<pid>-<role>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for the namespace.
    pub fn path(&self) -> PathBuf {
        path_of(&self.name)
    }

    /// Runs `work` on a thread of its own inside the namespace; sockets, TUN devices and
    /// `/proc/sys/net` that it opens belong to the namespace for good.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        on_thread(|| {
            enter(self.handle.as_fd())?;
            Ok(work())
        })
    }

    /// Moves the calling thread into the namespace, for good.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn enter_thread(&self) -> Result<()> {
        enter(self.handle.as_fd())
    }

    /// Starts `command` inside the namespace.
    ///
    /// # Errors
    /// When the namespace cannot be entered or the program cannot be started.
    pub fn spawn(&self, mut command: Command) -> Result<Child> {
        let program = command.get_program().to_owned();
        self.run(move || command.spawn())?
            .with_context(|| format!("starting {}", program.display()))
    }

    /// Brings a link up or down.
    ///
    /// # Errors
    /// When there is no such link.
    pub fn set_link_up(&self, link: &str, up: bool) -> Result<()> {
        self.netlink(async |handle| {
            let builder = LinkUnspec::new_with_index(index_of(&handle, link).await?);
            let message = if up { builder.up() } else { builder.down() }.build();
            Ok(handle.link().set(message).execute().await?)
        })
        .with_context(|| {
            format!(
                "{}: setting {link} {}",
                self.name,
                if up { "up" } else { "down" }
            )
        })
    }

    /// Sets a link's MTU in octets.
    ///
    /// # Errors
    /// When there is no such link or the kernel refuses the value.
    pub fn set_mtu(&self, link: &str, mtu: u32) -> Result<()> {
        self.netlink(async |handle| {
            let index = index_of(&handle, link).await?;
            let message = LinkUnspec::new_with_index(index).mtu(mtu).build();
            Ok(handle.link().set(message).execute().await?)
        })
        .with_context(|| format!("{}: setting the MTU of {link} to {mtu}", self.name))
    }

    /// Removes a link (and its peer, for a veth).
    ///
    /// # Errors
    /// When there is no such link.
    pub fn delete_link(&self, link: &str) -> Result<()> {
        self.netlink(async |handle| {
            let index = index_of(&handle, link).await?;
            Ok(handle.link().del(index).execute().await?)
        })
        .with_context(|| format!("{}: removing {link}", self.name))
    }

    /// The kernel's index of a link.
    ///
    /// # Errors
    /// When there is no such link.
    pub fn link_index(&self, link: &str) -> Result<u32> {
        self.netlink(async |handle| index_of(&handle, link).await)
    }

    /// Adds an address with its prefix length.
    ///
    /// # Errors
    /// When there is no such link or it has the address already.
    pub fn add_address(&self, link: &str, address: IpAddr, length: u8) -> Result<()> {
        self.netlink(async |handle| {
            let index = index_of(&handle, link).await?;
            Ok(handle
                .address()
                .add(index, address, length)
                .execute()
                .await?)
        })
        .with_context(|| format!("{}: adding {address}/{length} to {link}", self.name))
    }

    /// Removes an address.
    ///
    /// # Errors
    /// When the link has no such address.
    pub fn delete_address(&self, link: &str, address: IpAddr) -> Result<()> {
        self.netlink(async |handle| {
            let index = index_of(&handle, link).await?;
            let mut addresses = handle
                .address()
                .get()
                .set_link_index_filter(index)
                .set_address_filter(address)
                .execute();
            let message = addresses
                .try_next()
                .await?
                .ok_or_else(|| anyhow!("no such address"))?;
            Ok(handle.address().del(message).execute().await?)
        })
        .with_context(|| format!("{}: removing {address} from {link}", self.name))
    }

    /// Adds a route to `destination` by `gateway`, or directly by `link` without one.
    ///
    /// # Errors
    /// When the gateway is not reachable, or there is no such link.
    pub fn add_route(
        &self,
        destination: IpPrefix,
        gateway: Option<IpAddr>,
        link: Option<&str>,
    ) -> Result<()> {
        self.add_route_with_metric(destination, gateway, link, 0)
    }

    /// The same with a metric: routes to one destination by several links need different ones,
    /// the lower is preferred.
    ///
    /// # Errors
    /// When the gateway is not reachable, or there is no such link.
    pub fn add_route_with_metric(
        &self,
        destination: IpPrefix,
        gateway: Option<IpAddr>,
        link: Option<&str>,
        metric: u32,
    ) -> Result<()> {
        self.netlink(async |handle| {
            let mut route = RouteMessageBuilder::<IpAddr>::new()
                .destination_prefix(destination.address(), destination.length())?
                .priority(metric);
            if let Some(gateway) = gateway {
                route = route.gateway(gateway)?;
            }
            if let Some(link) = link {
                route = route.output_interface(index_of(&handle, link).await?);
            }
            let request = handle.route().add(route.build()).replace();
            Ok(request.execute().await?)
        })
        .with_context(|| format!("{}: adding a route to {destination}", self.name))
    }

    /// Writes `value` to `/proc/sys/net/<key>` of the namespace; `key` has slashes, such as
    /// `ipv4/ip_forward`.
    ///
    /// # Errors
    /// When there is no such key or it cannot be written.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        self.run(|| fs::write(Path::new("/proc/sys/net").join(key), value))?
            .with_context(|| format!("{}: setting net/{key} to {value}", self.name))
    }

    /// Runs `work` with an rtnetlink handle of this namespace.
    ///
    /// # Errors
    /// Whatever `work` returns, or when netlink cannot be opened.
    pub fn netlink<T: Send>(
        &self,
        work: impl AsyncFnOnce(rtnetlink::Handle) -> Result<T> + Send,
    ) -> Result<T> {
        self.run(|| with_netlink(work))?
    }
}

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        remove(&self.path());
    }
}

/// Makes a veth pair with one end in each namespace; both ends start down.
///
/// # Errors
/// When a name is taken in its namespace.
pub fn veth_pair(a: (&Netns, &str), b: (&Netns, &str)) -> Result<()> {
    let peer: LinkMessage = LinkMessageBuilder::<LinkUnspec>::new()
        .name(b.1)
        .setns_by_fd(b.0.handle.as_raw_fd())
        .build();
    a.0.netlink(async |handle| {
        let message = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth)
            .name(a.1)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
            .build();
        Ok(handle.link().add(message).execute().await?)
    })
    .with_context(|| format!("joining {}:{} and {}:{}", a.0.name, a.1, b.0.name, b.1))
}

/// Removes namespaces of ours whose process is gone, and says which.
///
/// # Errors
/// When `/run/netns` cannot be read.
pub fn sweep_stale() -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(RUN_DIR) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut swept = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if owner_of(&name).is_some_and(is_gone) {
            remove(&path_of(&name));
            swept.push(name);
        }
    }
    Ok(swept)
}

/// Whether this process may make network namespaces; tests and the lab ask before they start.
pub fn may_create() -> bool {
    on_thread(|| Ok(nix::sched::unshare(CloneFlags::CLONE_NEWNET)?)).is_ok()
        && nix::unistd::access(Path::new("/run"), nix::unistd::AccessFlags::W_OK).is_ok()
}

fn path_of(name: &str) -> PathBuf {
    Path::new(RUN_DIR).join(name)
}

/// The process id inside one of our names.
fn owner_of(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
}

fn is_gone(pid: u32) -> bool {
    !Path::new("/proc").join(pid.to_string()).exists()
}

/// Network namespaces belong to threads: what must not move the caller runs on its own.
fn on_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .name("netns".into())
            .spawn_scoped(scope, work)?;
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn enter(namespace: BorrowedFd<'_>) -> Result<()> {
    nix::sched::setns(namespace, CloneFlags::CLONE_NEWNET)
        .context("entering a network namespace (needs CAP_SYS_ADMIN)")
}

/// `/run/netns` as a shared mount, so that removal in one mount namespace is seen in all.
fn prepare_run_dir() -> Result<()> {
    fs::create_dir_all(RUN_DIR)?;
    if share_run_dir().is_ok() {
        return Ok(());
    }
    bind_mount(Path::new(RUN_DIR), Path::new(RUN_DIR))?;
    Ok(share_run_dir()?)
}

fn share_run_dir() -> nix::Result<()> {
    let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
    nix::mount::mount(None::<&str>, RUN_DIR, None::<&str>, flags, None::<&str>)
}

fn bind_mount(source: &Path, target: &Path) -> Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    nix::mount::mount(Some(source), target, None::<&str>, flags, None::<&str>)
        .with_context(|| format!("binding {} (needs CAP_SYS_ADMIN)", target.display()))
}

fn prepare_inside() -> Result<()> {
    for scope in ["all", "default"] {
        // A kernel without IPv6 has no such file, and then needs none.
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/accept_dad"), "0");
    }
    with_netlink(async |handle| {
        let lo = LinkUnspec::new_with_name("lo").up().build();
        Ok(handle.link().set(lo).execute().await?)
    })
}

fn remove(path: &Path) {
    // Nothing more can be done about a failure here: the next sweep tries again.
    let _ = nix::mount::umount2(path, MntFlags::MNT_DETACH);
    let _ = fs::remove_file(path);
}

/// One conversation with the kernel in the namespace of the calling thread.
fn with_netlink<T>(work: impl AsyncFnOnce(rtnetlink::Handle) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().context("opening netlink")?;
        let connection = tokio::spawn(connection);
        let result = work(handle).await;
        connection.abort();
        result
    })
}

async fn index_of(handle: &rtnetlink::Handle, link: &str) -> Result<u32> {
    let found = handle
        .link()
        .get()
        .match_name(link.to_owned())
        .execute()
        .try_next()
        .await;
    match found {
        Ok(Some(message)) => Ok(message.header.index),
        Ok(None) | Err(_) => Err(anyhow!("no interface {link}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_have_an_owner() {
        assert_eq!(owner_of("pmip-4711-lma"), Some(4711));
        assert_eq!(owner_of("pmip-lma"), None);
        assert_eq!(owner_of("customer-4711-lma"), None);
    }

    #[test]
    fn a_living_process_is_not_swept() {
        assert!(!is_gone(std::process::id()));
    }
}
