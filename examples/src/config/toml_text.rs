//! The model as TOML.

use super::model::Config;
use super::report::Problem;

/// Reads TOML. The model is complete where there is no error.
pub(super) fn parse(source: &str) -> (Config, Vec<Problem>) {
    match toml::from_str(source) {
        Ok(config) => (config, Vec::new()),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            (
                Config::default(),
                vec![Problem::error(span, error.message())],
            )
        }
    }
}
