//! Any octets as a capture file: it is read to an end within bounds, and what is found in it decodes
//! or says why not.

use pmip_capture::{
    CaptureReader, CaptureTime, Dissector, Finding, Item, MAX_FRAME_LEN, MAX_TUNNELS, Outcome,
};
use pmip_wire::{MAX_MESSAGE_LEN, Message, MobilityHeader};

/// Reads `data` as `pmip decode` does.
pub fn run(data: &[u8]) {
    let data = data.get(..1 << 16).unwrap_or(data);
    let Ok(mut reader) = CaptureReader::new(data) else {
        return;
    };
    let mut dissector = Dissector::new();
    let mut frames = 0;
    let mut octets = 0;
    loop {
        let item = match reader.next_item() {
            Ok(Some(item)) => item,
            Ok(None) => break,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                break;
            }
        };
        frames += 1;
        match item {
            Item::Frame(frame) => {
                assert_eq!(frame.number, frames, "frames are counted without a gap");
                assert!(frame.data.len() <= MAX_FRAME_LEN);
                assert_eq!(frame.time.map(text_len), frame.time.map(|_| 30));
                octets += frame.data.len();
                dissector.frame(&frame).into_iter().for_each(check);
            }
            Item::Skipped(skipped) => assert_eq!(skipped.number, frames),
        }
    }
    assert!(octets <= data.len(), "no octet is in two frames");
    assert!(reader.position() <= data.len() as u64);
    assert!(
        matches!(reader.next_item(), Ok(None)),
        "nothing comes after the end"
    );
    dissector.finish().into_iter().for_each(check);
    assert!(dissector.finish().is_empty());
}

/// Every time that fits has the same width, so that text sorts as time does.
fn text_len(time: CaptureTime) -> usize {
    time.to_string().len()
}

fn check(outcome: Outcome) {
    match outcome {
        Outcome::Header(finding) => check_finding(&finding),
        Outcome::Incomplete(packet) => {
            assert!(packet.whole.is_none_or(|whole| packet.present <= whole));
            assert!(packet.tunnel.len() <= MAX_TUNNELS);
        }
        Outcome::Unread { .. } | _ => {}
    }
}

fn check_finding(finding: &Finding) {
    assert!(finding.wire.len() <= MAX_MESSAGE_LEN);
    // Only the longest message, or what no capture kept, leaves something behind.
    let left = finding.wire.len() == MAX_MESSAGE_LEN || finding.snapped.is_some();
    assert!(finding.behind == 0 || left);
    assert!(finding.tunnel.len() <= MAX_TUNNELS);
    assert_ne!(finding.fragments.len(), 1, "one fragment is no packet");
    let header = MobilityHeader::parse(&finding.wire, finding.context);
    let message = Message::decode(&finding.wire, finding.context);
    assert!(header.is_ok() || message.is_err());
}
