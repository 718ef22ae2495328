//! `pmip init`: a matching pair of LMA and MAG configurations with fresh keys.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::config::model::AccessTechnology;
use crate::config::{Format, parse};
use crate::control::client::Wrong;
use crate::platform::state_dir::random_seed;

/// Arguments of `pmip init`.
#[derive(Clone, Debug, clap::Args)]
pub struct InitArgs {
    /// The address at which MAGs reach the LMA
    #[arg(long, value_name = "IPV4")]
    lma_address: Ipv4Addr,
    /// An uplink of the MAG, once for each: its device, and its access technology such as LTE,
    /// WLAN or ETHERNET
    #[arg(long = "uplink", required = true, value_name = "DEVICE[=TYPE]", value_parser = uplink)]
    uplinks: Vec<Uplink>,
    /// The device of the MAG that its hosts are on
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    network: String,
    /// The domain's name
    #[arg(long, value_name = "NAME", default_value = "D1", value_parser = name)]
    domain: String,
    /// Where to write lma.cfg and mag.cfg
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    /// Print JSON and nothing else on standard output
    #[arg(long)]
    json: bool,
}

/// One uplink.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Uplink {
    device: String,
    technology: AccessTechnology,
}

/// What nobody can guess.
struct Secrets {
    spi: u32,
    key: String,
    /// A prefix of length 48 for this domain alone (RFC 4193).
    prefix: Ipv6Addr,
}

/// `pmip init`.
///
/// # Errors
/// When a file is there already or cannot be written.
pub fn init(args: &InitArgs) -> Result<()> {
    let secrets = Secrets::draw().context("reading /dev/urandom")?;
    let files = [
        ("lma.cfg", lma(args, &secrets)),
        ("mag.cfg", mag(args, &secrets)),
    ];
    let paths = files.each_ref().map(|(name, _)| args.directory.join(name));
    if let Some(there) = paths.iter().find(|path| path.exists() && !args.force) {
        bail!(Wrong(format!(
            "{} is there already; --force replaces it",
            there.display()
        )));
    }
    for ((name, text), path) in files.iter().zip(&paths) {
        // A name that the language reads otherwise must not end in a file that does not load.
        if let Err(report) = parse(name, text, Format::Text) {
            bail!(Wrong(report.to_string()));
        }
        write(path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    let [lma, mag] = paths.each_ref().map(|path| path.display().to_string());
    let told = match args.json {
        true => format!("{}\n", serde_json::json!({ "lma": lma, "mag": mag })),
        false => format!(
            "{lma}: for the anchor; check that host with `pmip doctor --config {lma}`, then run\n  \
             lma --config {lma}\n{mag}: copy it to the gateway, check that host with `pmip doctor \
             --config mag.cfg`, then run\n  mag --config mag.cfg\nBoth hold the domain's key: \
             whoever reads one can join the domain.\n"
        ),
    };
    io::stdout().write_all(told.as_bytes())?;
    Ok(())
}

/// The domain as both nodes have it.
fn domain(args: &InitArgs, secrets: &Secrets) -> String {
    let name = &args.domain;
    let mut text = format!(
        "ipv6 mobile pmipv6-domain {name}\n encap udptunnel\n \
         replay-protection timestamp window 7\n auth-option spi {:x} key hex {}\n \
         auth-option required\n",
        secrets.spi, secrets.key
    );
    for (uplink, number) in args.uplinks.iter().zip(1..) {
        text.push_str(&format!(" link-label {} id {number}\n", uplink.device));
    }
    let nai = nai(args);
    text.push_str(&format!(" nai {nai}\n  lma LMA1\n  network mobile\n!\n"));
    text
}

fn lma(args: &InitArgs, secrets: &Secrets) -> String {
    let [a, b, c, ..] = secrets.prefix.segments();
    let prefix = |fourth: u16| Ipv6Addr::new(a, b, c, fourth, 0, 0, 0, 0);
    let (home, mobile) = (prefix(0xf000), prefix(0));
    format!(
        "! The anchor of domain {name}, written by pmip init.\n\
         ! Home addresses and prefixes; mobile networks get theirs from the network below.\n\
         ip local pool home4 10.61.0.10 10.61.0.250\n\
         ipv6 local pool home6 {home}/52 64\n\
         {domain}\
         ipv6 mobile pmipv6-lma LMA1 domain {name}\n \
         address ipv4 {address}\n heartbeat interval 30 retries 2\n multipath\n \
         mag MAG1 {name}\n  exit\n network mobile\n  pool ipv4 home4 pfxlen 24\n  \
         pool ipv6 home6 pfxlen 64\n  \
         mobile-network pool 10.60.0.0 pool-prefix 16 network-prefix 24\n  \
         mobile-network v6pool {mobile} pool-prefix 52 network-prefix 60\n!\n",
        name = args.domain,
        domain = domain(args, secrets),
        address = args.lma_address,
    )
}

fn mag(args: &InitArgs, secrets: &Secrets) -> String {
    let mut paths = String::new();
    for (uplink, priority) in args.uplinks.iter().zip(1..) {
        let Uplink { device, technology } = uplink;
        paths.push_str(&format!(
            "  roaming interface {device} priority {priority} egress-att {technology} label \
             {device}\n"
        ));
    }
    format!(
        "! A gateway of domain {name}, written by pmip init.\n{domain}\
         ipv6 mobile pmipv6-mag MAG1 domain {name}\n address dynamic\n{paths} \
         heartbeat interval 30 retries 2\n multipath\n lma LMA1 {name}\n  \
         ipv4-address {address}\n ! Hosts on this network are reached over every uplink.\n \
         logical-mn {nai}\n  mobile network {network} learn-prefix\n!\n",
        name = args.domain,
        domain = domain(args, secrets),
        address = args.lma_address,
        nai = nai(args),
        network = args.network,
    )
}

fn nai(args: &InitArgs) -> String {
    format!("lmn1@{}", args.domain.to_ascii_lowercase())
}

impl Secrets {
    fn draw() -> io::Result<Self> {
        let seed = random_seed()?;
        let [
            first,
            second,
            third,
            fourth,
            fifth,
            sixth,
            seventh,
            rest @ ..,
        ] = seed;
        let pair = |high, low| u16::from_be_bytes([high, low]);
        // From 256 on (RFC 4285 section 5.1), and short enough to be read out.
        let spi = 0x1000 | u32::from(pair(first, second));
        let key = rest.iter().take(16);
        Ok(Self {
            spi,
            key: key.map(|octet| format!("{octet:02x}")).collect(),
            prefix: Ipv6Addr::new(
                pair(0xfd, third),
                pair(fourth, fifth),
                pair(sixth, seventh),
                0,
                0,
                0,
                0,
                0,
            ),
        })
    }
}

/// The key is for its owner alone.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut out = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    out.write_all(text.as_bytes())
}

fn uplink(text: &str) -> Result<Uplink, String> {
    let (name, technology) = match text.split_once('=') {
        Some((name, technology)) => (
            name,
            technology.parse().map_err(|error| format!("{error}"))?,
        ),
        None => (text, AccessTechnology::ETHERNET),
    };
    Ok(Uplink {
        device: device(name)?,
        technology,
    })
}

fn device(text: &str) -> Result<String, String> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || "/:!\"".contains(c);
    match (1..=15).contains(&text.len()) && !text.contains(bad) {
        true => Ok(text.to_owned()),
        false => Err("a device name has 1 to 15 octets, without `/`, `:` or spaces".into()),
    }
}

fn name(text: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match (1..=64).contains(&text.len()) && text.chars().all(fine) {
        true => Ok(text.to_owned()),
        false => Err("use 1 to 64 letters, digits, `-`, `_` and `.`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::{Engine, NodeConfig, Role, select};

    fn args() -> InitArgs {
        InitArgs {
            lma_address: Ipv4Addr::new(192, 0, 2, 1),
            uplinks: vec![
                uplink("wwan0=LTE").expect("an uplink"),
                uplink("eth0").expect("an uplink"),
            ],
            network: "lan0".into(),
            domain: "Home-1".into(),
            directory: PathBuf::new(),
            force: false,
            json: false,
        }
    }

    fn node(text: &str, role: Role) -> NodeConfig {
        let loaded =
            parse("init.cfg", text, Format::Text).unwrap_or_else(|report| panic!("{report}"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
        select(&loaded.config, role, None).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn both_files_run_without_a_warning_and_share_a_key() {
        let (args, secrets) = (args(), Secrets::draw().expect("random octets"));
        let lma = node(&lma(&args, &secrets), Role::Lma);
        let mag = node(&mag(&args, &secrets), Role::Mag);
        let (Engine::Lma(lma), Engine::Mag(mag)) = (&lma.engine, &mag.engine) else {
            panic!("one of each role");
        };
        assert_eq!(lma.keys, mag.lmas[0].keys);
        assert_eq!(lma.keys.len(), 1);
        assert!(lma.authentication_required && mag.authentication_required);
        assert!(!lma.dynamic_mag_learning && lma.multipath && mag.multipath);
        assert_eq!(mag.roaming_interfaces.len(), 2);
        assert_eq!(mag.logical_mobile_nodes[0].nai, lma.profiles[0].nai);
    }

    #[test]
    fn keys_are_fresh_and_never_reserved() {
        let [one, two] = [(); 2].map(|()| Secrets::draw().expect("random octets"));
        assert_ne!(one.key, two.key);
        assert_eq!(one.key.len(), 32);
        assert!(one.spi >= 256 && one.prefix.segments()[0] >> 8 == 0xfd);
    }

    #[test]
    fn what_would_become_another_command_is_no_name() {
        assert!(device("eth0 shutdown").is_err() && device("").is_err());
        assert!(name("D1\nno x").is_err() && name("D 1").is_err());
        assert!(uplink("eth0=CARRIER-PIGEON").is_err());
    }
}
