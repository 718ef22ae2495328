//! The goals of the data path, and whether a run reached them.

use serde_json::{Value, json};

use super::carrier::Carrier;
use super::measure::Figures;
use super::report::{Pick, Report};

/// Which way is good, and how far.
#[derive(Clone, Copy)]
enum Bound {
    AtLeast { must: f64, aim: f64 },
    AtMost { must: f64, aim: f64 },
}

use Bound::{AtLeast, AtMost};

impl Bound {
    fn state(self, value: f64) -> State {
        let reached = |bound: f64| match self {
            AtLeast { .. } => value >= bound,
            AtMost { .. } => value <= bound,
        };
        let (AtLeast { must, aim } | AtMost { must, aim }) = self;
        match (reached(must), reached(aim)) {
            // What could not be measured reaches nothing.
            (false, _) => State::Missed,
            (true, false) => State::Must,
            (true, true) => State::Aim,
        }
    }

    const fn words(self) -> (&'static str, f64, f64) {
        match self {
            AtLeast { must, aim } => (">=", must, aim),
            AtMost { must, aim } => ("<=", must, aim),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Missed,
    Must,
    Aim,
    Skip,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Missed => "MISSED",
            Self::Must => "met",
            Self::Aim => "met, aim too",
            Self::Skip => "SKIP",
        }
    }
}

/// One goal and what it came to; without a value its peer was not there.
pub(super) struct Goal {
    name: &'static str,
    what: String,
    bound: Bound,
    value: Option<f64>,
}

impl Goal {
    fn state(&self) -> State {
        self.value
            .map_or(State::Skip, |value| self.bound.state(value))
    }

    pub(super) fn row(&self) -> [String; 6] {
        let (sign, must, aim) = self.bound.words();
        [
            self.name.to_owned(),
            self.what.clone(),
            format!("{sign} {must}"),
            format!("{sign} {aim}"),
            self.value
                .map_or_else(|| "-".to_owned(), |value| format!("{value:.2}")),
            self.state().word().to_owned(),
        ]
    }

    pub(super) fn json(&self) -> Value {
        let (sign, must, aim) = self.bound.words();
        json!({
            "goal": self.name,
            "what": self.what,
            "sign": sign,
            "must": must,
            "aim": aim,
            "value": self.value,
            "state": self.state(),
        })
    }
}

const TCP: Pick = Figures::tcp_of;
const UDP: Pick = |figures| figures.udp_1400.pps;

/// The goals D1 to D7.
pub(super) fn goals(report: &Report) -> Vec<Goal> {
    let mut goals = tunnel_goals(report);
    for (carrier, what) in [(Carrier::Ipv6, "IPv6-in-IPv6"), (Carrier::Gre, "GRE")] {
        for (pick, unit, must) in [(TCP, "TCP", 2.5), (UDP, "UDP", 1.5)] {
            let what = format!("{what} / openvpn, {unit}");
            let bound = AtLeast { must, aim: must };
            goals.push(ratio(
                report,
                "D4",
                what,
                carrier,
                Carrier::Openvpn,
                pick,
                bound,
            ));
        }
    }
    let shaped = report
        .shaped
        .as_ref()
        .and_then(|shaped| shaped.as_ref().ok());
    for (what, value) in [
        ("up", shaped.map(|both| both.0)),
        ("down", shaped.map(|both| both.1)),
    ] {
        goals.push(Goal {
            name: "D7",
            what: format!("two unequal paths, share of their sum, {what}"),
            bound: AtLeast {
                must: 0.95,
                aim: 0.98,
            },
            value,
        });
    }
    goals.sort_by_key(|goal| goal.name);
    goals
}

fn tunnel_goals(report: &Report) -> Vec<Goal> {
    use Carrier::{OnePath, Openvpn, Routing, Vxlan};
    let goal = |name, what: &str, to, pick, bound| {
        ratio(report, name, what.to_owned(), OnePath, to, pick, bound)
    };
    let at_least = |must, aim| AtLeast { must, aim };
    let at_most = |must, aim| AtMost { must, aim };
    vec![
        goal("D1", "TCP / openvpn", Openvpn, TCP, at_least(10.0, 20.0)),
        goal("D2", "TCP / VXLAN", Vxlan, TCP, at_least(0.6, 0.95)),
        goal(
            "D2",
            "TCP / plain routing",
            Routing,
            TCP,
            at_least(0.5, 0.85),
        ),
        goal("D3", "UDP / openvpn", Openvpn, UDP, at_least(2.0, 3.0)),
        goal("D3", "UDP / VXLAN", Vxlan, UDP, at_least(1.0, 1.5)),
        Goal {
            name: "D3",
            what: "UDP flood / paced".to_owned(),
            bound: at_least(0.9, 0.9),
            value: Some(report.middle(OnePath, |figures| {
                figures.udp_1400.flood_pps / figures.udp_1400.pps.max(1.0)
            })),
        },
        goal(
            "D5",
            "CPU per Gbit / openvpn",
            Openvpn,
            |figures| figures.cpu_seconds_per_gigabit,
            at_most(0.10, 0.05),
        ),
        goal(
            "D6",
            "RTT idle, p50 / openvpn",
            Openvpn,
            |figures| figures.rtt_idle_us.0,
            at_most(1.2, 1.0),
        ),
        goal(
            "D6",
            "RTT loaded, p50 / openvpn",
            Openvpn,
            |figures| figures.rtt_loaded_us.0,
            at_most(0.4, 0.1),
        ),
    ]
}

fn ratio(
    report: &Report,
    name: &'static str,
    what: String,
    carrier: Carrier,
    to: Carrier,
    pick: Pick,
    bound: Bound,
) -> Goal {
    Goal {
        name,
        what,
        bound,
        value: report.ratio(carrier, to, pick),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_judged_by_its_own_direction() {
        let speed = AtLeast {
            must: 2.0,
            aim: 3.0,
        };
        assert_eq!(speed.state(1.9), State::Missed);
        assert_eq!(speed.state(2.0), State::Must);
        assert_eq!(speed.state(3.0), State::Aim);
        let delay = AtMost {
            must: 0.4,
            aim: 0.1,
        };
        assert_eq!(delay.state(0.41), State::Missed);
        assert_eq!(delay.state(0.4), State::Must);
        assert_eq!(delay.state(0.1), State::Aim);
        assert_eq!(delay.state(f64::NAN), State::Missed, "nothing was measured");
    }
}
