//! Unequal load balancing in virtual time: users with congestion-controlled downloads over two to
//! four links, `equal` against `dynamic`.
//!
//! The result is `docs/dynamic.md` and `docs/dynamic.svg`; `PMIP_BLESS=1` writes them anew.

mod link;
mod plot;
mod world;

use std::fmt::Write;
use std::path::Path;

use link::{Capacity, Link};
use pmip_policy::LoadBalance;
use world::{Run, World};

/// One row of the table.
struct Scenario {
    name: &'static str,
    links: Vec<Link>,
    users: usize,
}

const SECONDS: usize = 240;
/// What comes before says how it begins, not what it reaches.
const WARM_UP: usize = 60;

fn mbit(rate: f64) -> Capacity {
    Capacity::Constant(rate * 1e6 / 8.0)
}

fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "50 and 10 Mbit/s, weights 1 and 1",
            links: vec![Link::new(mbit(50.0), 20), Link::new(mbit(10.0), 40)],
            users: 24,
        },
        Scenario {
            name: "40 and 8 Mbit/s with 1 s of buffer, and 20 with 1 % loss",
            links: vec![
                Link::new(mbit(40.0), 15),
                Link::new(mbit(8.0), 30).with_buffer_ms(1_000),
                Link::new(mbit(20.0), 25).with_loss(0.01),
            ],
            users: 40,
        },
        Scenario {
            name: "60, 30, 15 and 5 Mbit/s",
            links: [(60.0, 10), (30.0, 20), (15.0, 40), (5.0, 80)]
                .map(|(rate, delay)| Link::new(mbit(rate), delay))
                .into(),
            users: 48,
        },
        Scenario {
            name: "30 Mbit/s and a cellular trace",
            links: vec![
                Link::new(mbit(30.0), 20),
                Link::new(Capacity::Trace(link::cellular()), 40).with_buffer_ms(400),
            ],
            users: 48,
        },
        step_scenario(),
    ]
}

/// The bigger link falls to a fifth at [`FALL`] and is back at [`BACK`].
fn step_scenario() -> Scenario {
    let falling = Capacity::Steps(vec![(0, 40e6 / 8.0), (FALL, 8e6 / 8.0), (BACK, 40e6 / 8.0)]);
    Scenario {
        name: "40 Mbit/s that fall to 8 for a minute, and 20",
        links: vec![Link::new(falling, 20), Link::new(mbit(20.0), 30)],
        users: 30,
    }
}

const FALL: usize = 100;
const BACK: usize = 160;
/// The stated time of recovery after a step.
const RECOVERY: usize = 30;

fn run(scenario: &Scenario, mode: LoadBalance) -> Run {
    World::new(scenario.links.clone(), scenario.users, mode).run(SECONDS)
}

#[test]
fn dynamic_reaches_nine_tenths_of_the_capacity_without_flapping() {
    let mut table = String::from(
        "# `load-balance dynamic` in virtual time\n\n\
         Users download file after file (1 MB at least, Pareto 2) with AIMD congestion control; all \
         links have weight 1.\nFour minutes, the first is left out. Share of the sum of capacities \
         that arrived, and the most moves of any flow.\nWritten by `PMIP_BLESS=1 cargo test -p \
         pmip-policy --test simulation`.\n\n\
         | links | users | equal | dynamic | weights at the end | weight changes | moves per flow |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for scenario in scenarios() {
        let equal = run(&scenario, LoadBalance::Equal);
        let dynamic = run(&scenario, LoadBalance::Dynamic);
        let reached = dynamic.share(WARM_UP, SECONDS);
        writeln!(
            table,
            "| {} | {} | {:.0} % | {:.0} % | {} | {} | {} |",
            scenario.name,
            scenario.users,
            equal.share(WARM_UP, SECONDS) * 100.0,
            reached * 100.0,
            dynamic.weights_text(),
            dynamic.weight_changes,
            dynamic.most_moves,
        )
        .expect("a string takes it");
        assert!(reached >= 0.9, "{}: {reached}\n{table}", scenario.name);
        // Weights place new flows only.
        assert_eq!(dynamic.most_moves, 0, "{}", scenario.name);
    }
    compare("dynamic.md", &table);
}

#[test]
fn it_recovers_from_a_step_within_the_stated_time() {
    let scenario = step_scenario();
    let dynamic = run(&scenario, LoadBalance::Dynamic);
    for step in [FALL, BACK] {
        let (from, to) = (step + RECOVERY, step + 60);
        let share = dynamic.share(from, to);
        assert!(share >= 0.9, "{share} from {from} to {to}");
    }
    let equal = run(&scenario, LoadBalance::Equal);
    compare("dynamic.svg", &plot::svg(&dynamic, &equal));
}

/// The committed result is what comes out now.
fn compare(name: &str, now: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name);
    if std::env::var_os("PMIP_BLESS").is_some() {
        std::fs::write(&file, now).expect("a folder to write to");
        return;
    }
    let committed = std::fs::read_to_string(&file).expect("a committed result");
    assert_eq!(now, committed, "{name} is old: PMIP_BLESS=1 writes it anew");
}
