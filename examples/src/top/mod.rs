//! `pmip top`: a running node on a live screen.
//!
//! `feed` asks the node, `state` keeps what was seen, `draw` puts it on the screen.

mod draw;
mod feed;
mod state;
#[cfg(test)]
mod tests;
mod text;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::feed::News;
use self::state::App;
use crate::control::client;
use crate::control::commands::Target;

/// How long a key may wait for its effect.
const TICK: Duration = Duration::from_millis(50);

/// Arguments of `pmip top`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = draw::KEYS)]
pub struct TopArgs {
    /// Seconds between looks at the node
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    interval: f64,
    /// Look twice, one interval apart, print the screen as text and end; needs no terminal
    #[arg(long)]
    once: bool,
    /// The size of that text, WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE", default_value = "80x24", value_parser = size, requires = "once")]
    size: (u16, u16),
    #[command(flatten)]
    target: Target,
}

/// `pmip top`.
///
/// # Errors
/// When no node answers, or the terminal refuses.
pub fn top(args: &TopArgs) -> Result<()> {
    let socket = client::find(args.target.control.as_deref(), None)?;
    let interval = Duration::from_secs_f64(args.interval);
    if args.once || args.target.json {
        return once(&socket, interval, args);
    }
    if !std::io::stdout().is_terminal() {
        bail!("this is no terminal: `pmip top --once` prints the screen as text");
    }
    // The first look: what is wrong is said before the screen is taken.
    let first = feed::look(&socket)?;
    let mut app = App::new(std::env::var_os("NO_COLOR").is_none());
    app.take(News::Look(Box::new(first)));
    let news = feed::start(socket, interval);
    let mut terminal = ratatui::init();
    let done = live(&mut terminal, &mut app, &news);
    ratatui::restore();
    done
}

fn live(
    terminal: &mut ratatui::DefaultTerminal,
    app: &mut App,
    news: &Receiver<News>,
) -> Result<()> {
    loop {
        terminal.draw(|frame| draw::draw(frame, app))?;
        let until = Instant::now() + TICK * 4;
        while Instant::now() < until {
            if event::poll(TICK)? {
                if let Event::Key(key) = event::read()? {
                    if is_quit(key) {
                        return Ok(());
                    }
                    if key.kind != KeyEventKind::Release {
                        app.press(key.code);
                    }
                }
                // Whatever it was, such as another size: the screen is drawn anew.
                break;
            }
            let fresh = news.try_iter().map(|fresh| app.take(fresh)).count();
            if fresh > 0 {
                break;
            }
        }
    }
}

fn is_quit(key: KeyEvent) -> bool {
    let interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
    interrupt || key.code == KeyCode::Char('q')
}

/// One screen as text, or what it is made of as JSON.
fn once(socket: &Path, interval: Duration, args: &TopArgs) -> Result<()> {
    let mut app = App::new(false);
    app.take(News::Look(Box::new(feed::look(socket)?)));
    // What happens meanwhile, then the second look.
    for news in feed::start(socket.to_owned(), interval) {
        let is_last = !matches!(news, News::Event(_));
        app.take(news);
        if is_last {
            break;
        }
    }
    if let Some(why) = app.gone {
        bail!("{why}");
    }
    let text = if args.target.json {
        format!("{}\n", serde_json::to_string_pretty(&app.json())?)
    } else {
        app.one_shot = true;
        screen(&mut app, args.size.0, args.size.1)?
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// What a terminal of this size would show.
fn screen(app: &mut App, width: u16, height: u16) -> Result<String> {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| draw::draw(frame, app));
    Ok(text_of(terminal.backend().buffer()))
}

/// A screen's characters, without the blanks at the end of lines.
fn text_of(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        for x in 0..buffer.area.width {
            line.push_str(buffer.cell((x, y)).map_or(" ", |cell| cell.symbol()));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn seconds(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok();
    let value = value.filter(|value| (0.1..=3600.0).contains(value));
    value.ok_or_else(|| "give seconds from 0.1 to 3600".into())
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let size = text.split_once('x').and_then(|(width, height)| {
        let (width, height) = (width.parse().ok()?, height.parse().ok()?);
        ((20..=500).contains(&width) && (8..=500).contains(&height)).then_some((width, height))
    });
    size.ok_or_else(|| "give a size such as 80x24".into())
}
