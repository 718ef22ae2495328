//! `mobility-service hybrid-access` as the service takes it.

use std::time::Duration;

use pmip_policy::ProfileId;
use pmip_sla::{Limits, ProbeShape, ServiceConfig};

use super::{Engine, NodeConfig};
use crate::config::model::{HybridAccess, ProfileDefinition, SlaOverride};

/// Lost probes per million in a hundredth of a percent.
const PPM_PER_HUNDREDTH: u32 = 100;

impl NodeConfig {
    /// `mobility-service hybrid-access` of the node's block.
    pub fn hybrid_access(&self) -> Option<&HybridAccess> {
        match &self.engine {
            Engine::Lma(_) => {
                let mut lmas = self.config.lmas.iter();
                let lma = lmas.find(|lma| lma.id == self.id)?;
                lma.hybrid_access.as_ref()
            }
            Engine::Mag(_) => self.mag()?.hybrid_access.as_ref(),
        }
    }

    /// What the node's hybrid-access service is told; none: it is off.
    pub fn sla_service(&self) -> Option<ServiceConfig> {
        self.hybrid_access().map(service)
    }

    /// The number of a traffic profile of this node, by which path choice knows it: its place among
    /// the profile definitions.
    pub fn profile_id(&self, name: &str) -> Option<ProfileId> {
        let mut profiles = self.hybrid_access()?.profiles.iter();
        let place = profiles.position(|profile| profile.name == name)?;
        u16::try_from(place).ok().map(ProfileId)
    }
}

fn service(model: &HybridAccess) -> ServiceConfig {
    let mut config = ServiceConfig::default();
    config.disable_sla = model.disable_sla;
    let sla = &model.sla;
    config.sla = shape(sla.num_packets, sla.interval, sla.frequency);
    config.mags = named(&model.enable_sla_mag);
    config.customers = named(&model.enable_sla_customer);
    let profiles = model.profiles.iter();
    config.profiles = profiles
        .map(|profile| (profile.name.clone(), limits(profile)))
        .collect();
    let reaction = &model.sla_reaction;
    config.down = times(reaction.down, config.down);
    config.up = times(reaction.up, config.up);
    config
}

/// The language's range, 1 to 16, fits in 8 bits.
fn times(wanted: Option<u32>, default: u8) -> u8 {
    wanted
        .and_then(|times| u8::try_from(times).ok())
        .unwrap_or(default)
}

fn named<M: FromIterator<(String, ProbeShape)>>(lines: &[SlaOverride]) -> M {
    let lines = lines.iter();
    lines
        .map(|line| {
            let shape = shape(line.num_packets, line.interval, line.frequency);
            (line.name.clone(), shape)
        })
        .collect()
}

fn shape(packets: Option<u32>, interval: Option<u32>, frequency: Option<u32>) -> ProbeShape {
    ProbeShape {
        packets,
        interval: interval.map(millis),
        frequency: frequency.map(|seconds| Duration::from_secs(seconds.into())),
    }
}

fn limits(profile: &ProfileDefinition) -> Limits {
    let mut limits = Limits::default();
    limits.jitter = profile.jitter.map(millis);
    limits.rtt = profile.rtt.map(millis);
    let loss = profile.packet_loss;
    limits.loss_ppm = loss.map(|loss| u32::from(loss.hundredths()) * PPM_PER_HUNDREDTH);
    limits
}

fn millis(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::{Role, select};
    use crate::config::{Format, parse};

    /// The service of the feature description's sample, with every command that shapes probes.
    const TEXT: &str = "\
ipv6 mobile pmipv6-domain D
ipv6 mobile pmipv6-lma L domain D
 address ipv4 192.0.2.1
 mobility-service hybrid-access
  disable-sla
  sla num-packets 20 interval 50
  enable-sla mag M1 frequency 30
  sla-reaction down 2
  sla-reaction up 4
  profile-definition data
   rtt 300
  profile-definition voice
   jitter 50
   rtt 100
   packet-loss 2.5
";

    #[test]
    fn every_command_of_the_service_reaches_it() {
        let loaded = parse("l.cfg", TEXT, Format::Text).expect("a valid configuration");
        let node = select(&loaded.config, Role::Lma, None).expect("one LMA");
        let service = node.sla_service().expect("the service");
        assert!(service.disable_sla);
        assert_eq!(service.sla.packets, Some(20));
        assert_eq!(service.sla.interval, Some(millis(50)));
        assert_eq!(service.sla.frequency, None);
        let line = service.mags.get("M1").expect("its line");
        assert_eq!(line.frequency, Some(Duration::from_secs(30)));
        assert_eq!((service.down, service.up), (2, 4));
        let voice = Limits::default()
            .with_jitter(millis(50))
            .with_rtt(millis(100))
            .with_loss_ppm(25_000);
        assert_eq!(service.profiles.get("voice"), Some(&voice));
        assert_eq!(node.profile_id("voice"), Some(ProfileId(1)));
        assert_eq!(node.profile_id("video"), None);
    }
}
