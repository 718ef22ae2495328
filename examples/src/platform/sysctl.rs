//! Kernel settings of the network namespace that forwarding needs, put back at the end.

use std::fs;
use std::io;
use std::path::PathBuf;

/// Settings that were changed; dropping this puts the old values back.
#[derive(Debug, Default)]
pub struct Sysctls {
    changed: Vec<(PathBuf, String)>,
}

impl Sysctls {
    /// Turns on IPv4 and IPv6 forwarding.
    ///
    /// # Errors
    /// When a setting cannot be written, naming it.
    pub fn enable_forwarding(&mut self, uplinks: &[&str]) -> io::Result<()> {
        self.set("ipv4/ip_forward", "1")?;
        for uplink in uplinks {
            // A forwarding host ignores router advertisements unless this is 2.
            if self.read(&format!("ipv6/conf/{uplink}/accept_ra")) == Some("1".into()) {
                self.set(&format!("ipv6/conf/{uplink}/accept_ra"), "2")?;
            }
        }
        if self.read("ipv6/conf/all/forwarding").is_some() {
            self.set("ipv6/conf/all/forwarding", "1")?;
        }
        Ok(())
    }

    /// Makes the reverse-path filter loose where it is strict on `device`. A strict one drops
    /// what arrives by one uplink while the best route back leaves by another, and everything
    /// from correspondents that comes out of the tunnel.
    ///
    /// # Errors
    /// When the setting cannot be written, naming it.
    pub fn loosen_reverse_path_filter(&mut self, device: &str) -> io::Result<()> {
        let key = format!("ipv4/conf/{device}/rp_filter");
        let all = self.read("ipv4/conf/all/rp_filter");
        let own = self.read(&key);
        // The kernel uses the greater of the two; 2 is loose.
        let strict = |value: &Option<String>| value.as_deref() == Some("1");
        let loose = |value: &Option<String>| value.as_deref() == Some("2");
        if !loose(&all) && (strict(&all) || strict(&own)) {
            self.set(&key, "2")?;
        }
        Ok(())
    }

    /// Lets packets with a source of this host come in by `device`: our ICMP errors to
    /// correspondents have one, and the kernel would drop them as martians. What comes out of
    /// tunnels with such a source never gets past the anti-spoofing check.
    ///
    /// # Errors
    /// When the setting cannot be written, naming it.
    pub fn accept_own_source(&mut self, device: &str) -> io::Result<()> {
        self.set(&format!("ipv4/conf/{device}/accept_local"), "1")
    }

    fn read(&self, key: &str) -> Option<String> {
        let text = fs::read_to_string(path_of(key)).ok()?;
        Some(text.trim().to_owned())
    }

    fn set(&mut self, key: &str, value: &str) -> io::Result<()> {
        if self.read(key).as_deref() == Some(value) {
            return Ok(());
        }
        let path = path_of(key);
        let before = self.read(key);
        fs::write(&path, value)
            .map_err(|error| io::Error::new(error.kind(), format!("net/{key}={value}: {error}")))?;
        tracing::info!("set net/{key} to {value}");
        self.changed.extend(before.map(|before| (path, before)));
        Ok(())
    }
}

impl Drop for Sysctls {
    fn drop(&mut self) {
        for (path, before) in self.changed.drain(..).rev() {
            // The device may be gone, and its setting with it.
            let _ = fs::write(path, before);
        }
    }
}

/// A key has slashes, since device names may have dots.
fn path_of(key: &str) -> PathBuf {
    PathBuf::from("/proc/sys/net").join(key)
}
