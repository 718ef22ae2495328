//! The command.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pmip_capture::{CaptureError, CaptureReader, Dissector, Item, Outcome, Transport};

use super::carried::{Carried, Carrier};
use super::progress::Progress;
use super::summary::Summary;
use super::tree::{TERMINAL, TreeWriter};
use super::{DecodeOptions, from_hex, reading};

/// Show the Mobility Headers of a capture file, or of hexadecimal text, as a tree
///
/// Reads pcap and pcapng files of Ethernet (with VLAN tags), Linux cooked v1 and v2, raw IP and
/// loopback. It finds Mobility Headers over IPv6 (next header 135, behind extension headers) and over
/// IPv4-UDP (port 5436), puts IP fragments together, and looks into tunnels: IPv4 and IPv6 in each
/// other, GRE, and UDP port 5437 with and without the TLV header.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP, group(clap::ArgGroup::new("input").required(true)))]
pub struct DecodeArgs {
    /// A pcap or pcapng file; `-` is standard input
    #[arg(group = "input")]
    file: Option<PathBuf>,
    /// A Mobility Header in hexadecimal, from its Payload Proto octet; `-` reads one a line from
    /// standard input
    #[arg(
        long,
        value_name = "STRING",
        allow_hyphen_values = true,
        group = "input"
    )]
    hex: Option<String>,
    /// What carried the hexadecimal octets [default: ipv6 with --src and --dst, else udp]
    #[arg(long, conflicts_with = "file")]
    transport: Option<HexTransport>,
    /// Source of the IPv6 packet that carried them: with --dst, their checksum is verified
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "file",
        requires = "dst"
    )]
    src: Option<Ipv6Addr>,
    /// Destination of that packet
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "file",
        requires = "src"
    )]
    dst: Option<Ipv6Addr>,
    /// Print JSON, one object a line, and nothing else on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: DecodeOptions,
}

/// What carried a Mobility Header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum HexTransport {
    /// IPv6, next header 135
    Ipv6,
    /// IPv4 and UDP, port 5436
    Udp,
}

const HELP: &str = "\
Examples:
  tcpdump -i any -U -w - 'udp port 5436 or udp port 5437 or ip6' | pmip decode -
  pmip decode trace.pcapng --json | jq 'select(.name == \"ProxyBindingUpdate\")'
  pmip decode trace.pcap --verify --raw
  pmip decode --hex '3b01 0d00 0000 0000 0000 0007 0102 0000'

JSON, one object for each Mobility Header:
  frame           its place in the file, counted from 1; of a fragmented packet, the last fragment's
  time            RFC 3339 in UTC with nanoseconds, such as 2023-11-14T22:13:20.000000250Z; null where
                  the file has no time
  transport       ipv6 or udp; src and dst are the addresses of the IP packet
  src_port, dst_port, vlan, home_address_option, type_2_routing_header
                  only where the packet has them
  udp_checksum    correct, wrong, left-out, or offloaded where the network card had yet to fill it
                  in; only over UDP, where the datagram is all there
  trailing_octets how many follow the Mobility Header in the packet; only where some do
  tunnel          only inside one: its outer layers, outermost first
  fragments       only of a fragmented packet: the frames of its fragments
  type, name      and the message's own fields, such as sequence_number, lifetime_seconds, status,
                  flags
  options         in wire order; offset counts from the first octet of the Mobility Header, length is
                  the option's Length octet; sub-options are nested
  error           {kind, layer, offset, message}, in place of the fields; beside them for BadChecksum
                  and for what a snap length cut

Exit codes: 0 done, 1 with --verify a message encodes to something different, 2 wrong usage, 3 some
input could not be decoded.";

/// The longest line of hexadecimal text that is read: any Mobility Header in the widest of spellings.
const MAX_HEX_LINE: u64 = 1 << 16;

/// With --verify, a message encodes to something else.
const DIFFERENT: u8 = 1;
/// Wrong usage, or an output that takes no more.
const WRONG: u8 = 2;
/// Some input could not be decoded.
const UNDECODABLE: u8 = 3;

/// Runs the command and gives its exit code.
pub fn main(args: &DecodeArgs) -> u8 {
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let color = wants_color(is_terminal);
    let width = is_terminal.then_some(TERMINAL);
    let mut output = Output {
        // Whoever watches a pipe wants to see each message when it comes.
        out: BufWriter::new(stdout.lock()),
        json: args.json,
        options: args.options,
        tree: TreeWriter::new(color, width, args.options),
        summary: Summary::default(),
        progress: Progress::new(None),
    };
    let done = match (&args.hex, &args.file) {
        (Some(text), _) => output.hex(args, text),
        (None, Some(file)) => output.file(file),
        (None, None) => Err(Stop::Wrong("a capture file or --hex is needed".into())),
    };
    match done {
        Ok(()) => output.finish(args.hex.is_some()),
        // A pipe that was closed early, as by `head`, is no failure.
        Err(Stop::ClosedPipe) => 0,
        Err(Stop::Wrong(why)) => {
            let _ = writeln!(io::stderr(), "pmip: {why}");
            WRONG
        }
    }
}

/// Where the reader looks at what is shown.
fn wants_color(is_terminal: bool) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    is_terminal && !is_dumb && !is_set("NO_COLOR")
}

/// Why nothing more is shown.
enum Stop {
    ClosedPipe,
    Wrong(String),
}

/// Of what is written: what is read tells its source.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedPipe;
        }
        Self::Wrong(format!("standard output: {error}"))
    }
}

impl DecodeArgs {
    /// What carried the hexadecimal octets; IPv6 addresses say it too.
    fn hex_transport(&self) -> Result<Transport, Stop> {
        match (self.transport, self.src) {
            (Some(HexTransport::Udp), Some(_)) => Err(Stop::Wrong(
                "--src and --dst go with --transport ipv6: over UDP no checksum is verified".into(),
            )),
            (Some(HexTransport::Ipv6), _) | (None, Some(_)) => Ok(Transport::Ipv6),
            (Some(HexTransport::Udp) | None, None) => Ok(Transport::Udp),
        }
    }
}

struct Output<W> {
    out: W,
    json: bool,
    options: DecodeOptions,
    tree: TreeWriter,
    summary: Summary,
    progress: Progress,
}

impl<W: Write> Output<W> {
    fn hex(&mut self, args: &DecodeArgs, text: &str) -> Result<(), Stop> {
        if text != "-" {
            let wire = from_hex(text).map_err(|error| Stop::Wrong(format!("--hex: {error}")))?;
            return self.hex_octets(args, &wire, 1);
        }
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let mut limited = input.by_ref().take(MAX_HEX_LINE);
            let read = limited.read_until(b'\n', &mut line);
            read.map_err(|error| Stop::Wrong(format!("standard input: {error}")))?;
            if line.is_empty() {
                break;
            }
            let wrong = |what: String| Stop::Wrong(format!("--hex: line {number}: {what}"));
            if limited.limit() == 0 && !line.ends_with(b"\n") {
                return Err(wrong("longer than any Mobility Header".into()));
            }
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() {
                self.hex_octets(args, &from_hex(&text).map_err(wrong)?, number)?;
            }
        }
        Ok(())
    }

    fn hex_octets(&mut self, args: &DecodeArgs, wire: &Bytes, number: u64) -> Result<(), Stop> {
        let mut carrier = Carrier::bare(number, args.hex_transport()?);
        carrier.source = args.src.map(Into::into);
        carrier.destination = args.dst.map(Into::into);
        let reading = reading::read(wire, carrier.context(), None);
        self.show(&Carried::new(carrier, reading))
    }

    fn file(&mut self, path: &Path) -> Result<(), Stop> {
        if path.as_os_str() == "-" {
            return self.capture(io::stdin().lock());
        }
        let wrong = |error| Stop::Wrong(format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(wrong)?;
        let metadata = file.metadata().map_err(wrong)?;
        if metadata.is_dir() {
            let shown = path.display();
            return Err(Stop::Wrong(format!(
                "{shown}: a folder, not a capture file"
            )));
        }
        self.progress = Progress::new(metadata.is_file().then_some(metadata.len()));
        self.capture(file)
    }

    fn capture(&mut self, source: impl Read) -> Result<(), Stop> {
        let source = BufReader::with_capacity(1 << 17, source);
        let mut reader = match CaptureReader::new(source) {
            Ok(reader) => reader,
            Err(error) => {
                self.summary.broke_off(error.to_string());
                return Ok(());
            }
        };
        let mut dissector = Dissector::new();
        let end = loop {
            self.progress.at(reader.position(), reader.frames());
            match reader.next_item() {
                Ok(Some(item)) => self.item(item, &mut dissector)?,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        self.summary.frames = reader.frames();
        for outcome in dissector.finish() {
            self.outcome(outcome)?;
        }
        if let Some(error) = end.as_ref().map(CaptureError::to_string) {
            self.summary.broke_off(error);
        }
        Ok(())
    }

    fn item(&mut self, item: Item<'_>, dissector: &mut Dissector) -> Result<(), Stop> {
        match item {
            Item::Frame(frame) => {
                self.tree.learn_start(frame.time);
                for outcome in dissector.frame(&frame) {
                    self.outcome(outcome)?;
                }
            }
            Item::Skipped(skipped) => self.summary.skipped(skipped),
        }
        Ok(())
    }

    fn outcome(&mut self, outcome: Outcome) -> Result<(), Stop> {
        match outcome {
            Outcome::Header(finding) => self.show(&Carried::from(*finding))?,
            Outcome::Incomplete(packet) => match packet.mobility {
                Some(transport) => self.show(&Carried::incomplete(&packet, transport))?,
                None => self.summary.incomplete(&packet),
            },
            Outcome::Unread { frame, why } => self.summary.unread(frame, why),
            _ => {}
        }
        Ok(())
    }

    fn show(&mut self, carried: &Carried) -> Result<(), Stop> {
        self.summary.message(carried);
        self.progress.clear();
        if self.json {
            writeln!(self.out, "{}", carried.to_json(self.options))?;
        } else {
            self.out.write_all(self.tree.render(carried).as_bytes())?;
        }
        self.out.flush()?;
        Ok(())
    }

    fn finish(mut self, is_hex: bool) -> u8 {
        self.progress.clear();
        let mut text = self.summary.complaints();
        // Beside JSON, and of octets that were given one by one, counts tell nothing new.
        if is_hex {
            text.clear();
        } else if !self.json {
            text.insert_str(0, &self.summary.counts(self.tree.start()));
        }
        let _ = io::stderr().write_all(text.as_bytes());
        if self.summary.is_undecodable() {
            UNDECODABLE
        } else if self.options.verify && self.summary.differs() {
            DIFFERENT
        } else {
            0
        }
    }
}
