//! The step scenario as a picture.

use std::fmt::Write;

use crate::world::Run;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
const MARGIN: f64 = 40.0;
/// Mbit/s at the top.
const TOP: f64 = 70.0;

pub(crate) fn svg(dynamic: &Run, equal: &Run) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    for mark in [0.0, 20.0, 40.0, 60.0] {
        let y = height(mark);
        let text = format!(
            "<line x1=\"{MARGIN}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\n\
             <text x=\"4\" y=\"{:.1}\">{mark:.0}</text>\n",
            WIDTH - 10.0,
            y + 4.0
        );
        svg.push_str(&text);
    }
    let lines = [
        ("capacity", "#999", &dynamic.capacity),
        ("equal", "#c60", &equal.arrived),
        ("dynamic", "#06c", &dynamic.arrived),
    ];
    for (at, (name, colour, values)) in lines.into_iter().enumerate() {
        let points = smooth(values);
        writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{points}\"/>\n\
             <text x=\"{:.0}\" y=\"16\" fill=\"{colour}\">{name}</text>",
            MARGIN + 90.0 * at as f64
        )
        .expect("a string takes it");
    }
    svg.push_str("<text x=\"560\" y=\"16\">Mbit/s over 240 s</text>\n</svg>\n");
    svg
}

/// Means of five seconds.
fn smooth(values: &[f64]) -> String {
    let width = (WIDTH - MARGIN - 10.0) / values.len() as f64;
    let mut points = String::new();
    for (at, five) in values.chunks(5).enumerate() {
        let mean = five.iter().sum::<f64>() / five.len() as f64 * 8.0 / 1e6;
        let x = MARGIN + (at as f64 * 5.0 + 2.5) * width;
        write!(points, "{x:.1},{:.1} ", height(mean)).expect("a string takes it");
    }
    points.trim_end().into()
}

fn height(mbit: f64) -> f64 {
    HEIGHT - 20.0 - mbit / TOP * (HEIGHT - 50.0)
}
