use bytes::Bytes;
use pmip_wire::{ChecksumContext, Message};

use crate::Transmit;

/// One line about a datagram, for people who read a failing run.
pub(super) fn describe_transmit(transmit: &Transmit) -> String {
    let carrier = transmit.carrier;
    let what = describe(&transmit.payload);
    format!(
        "{:?} {carrier:?} -> {} {what}",
        transmit.path, transmit.destination
    )
}

/// What a Mobility Header says, in one line for people.
pub fn describe(payload: &Bytes) -> String {
    // The Mobility Header checksum over UDP is 0 and over IPv6 right by construction: only the
    // fields matter here.
    let message = Message::decode(payload, ChecksumContext::Udp);
    match message {
        Ok(Message::BindingUpdate(update)) => format!(
            "PBU seq {} lifetime {} {:?}",
            update.sequence, update.lifetime, update.options
        ),
        Ok(Message::BindingAcknowledgement(answer)) => format!(
            "PBA status {} seq {} lifetime {} {:?}",
            answer.status, answer.sequence, answer.lifetime, answer.options
        ),
        Ok(Message::Heartbeat(beat)) => format!(
            "heartbeat {} {}",
            if beat.response { "answer" } else { "request" },
            beat.sequence
        ),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    }
}
