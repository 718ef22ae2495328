//! Which rights this process has, and what to say when one is missing.

use std::fmt;

/// A Linux capability that the programs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// TUN device, addresses, routes, rules.
    NetAdmin,
    /// Sockets bound to a device, raw sockets.
    NetRaw,
}

impl Right {
    /// Its bit in the kernel's sets (`linux/capability.h`).
    const fn bit(self) -> u32 {
        match self {
            Self::NetAdmin => 12,
            Self::NetRaw => 13,
        }
    }

    const fn purpose(self) -> &'static str {
        match self {
            Self::NetAdmin => "the TUN device, addresses, routes and rules",
            Self::NetRaw => "sockets that are bound to one uplink's device",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
        })
    }
}

/// Rights that a program lacks, with the ways to get them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRights {
    program: String,
    rights: Vec<Right>,
}

impl fmt::Display for MissingRights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = &self.program;
        writeln!(f, "rights are missing:")?;
        for right in &self.rights {
            writeln!(f, "  {right}, for {}", right.purpose())?;
        }
        let names: Vec<String> = self.rights.iter().map(ToString::to_string).collect();
        let names = names.join(",").to_lowercase();
        writeln!(f, "Ways to get them, one is enough:")?;
        writeln!(f, "  sudo {program} ...")?;
        writeln!(f, "  sudo setcap {names}+ep \"$(command -v {program})\"")?;
        write!(
            f,
            "To see a domain at work without any rights: pmip lab --sim"
        )
    }
}

impl std::error::Error for MissingRights {}

/// Checks that this process has `rights`.
///
/// # Errors
/// Those that it has not.
pub fn require(program: &str, rights: &[Right]) -> Result<(), MissingRights> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = effective(&status);
    let missing = |right: &Right| held & (1 << right.bit()) == 0;
    let rights: Vec<Right> = rights.iter().copied().filter(missing).collect();
    if rights.is_empty() {
        return Ok(());
    }
    Err(MissingRights {
        program: program.to_owned(),
        rights,
    })
}

/// The effective set of `/proc/self/status`; empty when it cannot be read.
fn effective(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effective_set_is_read_from_the_status_file() {
        let status = "Name:\tmag\nCapPrm:\t0000000000000000\nCapEff:\t0000000000003000\n";
        assert_eq!(effective(status), 0x3000);
        assert_eq!(effective("Name:\tmag\n"), 0);
    }

    #[test]
    fn the_message_names_the_right_and_the_ways_to_get_it() {
        let missing = MissingRights {
            program: "mag".into(),
            rights: vec![Right::NetAdmin, Right::NetRaw],
        };
        let text = missing.to_string();
        assert!(text.contains("CAP_NET_ADMIN"), "{text}");
        assert!(
            text.contains("setcap cap_net_admin,cap_net_raw+ep"),
            "{text}"
        );
        assert!(text.contains("pmip lab --sim"), "{text}");
    }
}
