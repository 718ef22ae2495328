//! Messages made by hand that more than one test sends.

use pmip_wire::{
    Heartbeat, Message, MobilityOption, MobilityOptions, NotificationReason, SequenceNumber,
    UpdateNotification, UpdateNotificationFlags,
};

use super::{multipath, named};

/// A heartbeat request that names a gateway and one of its paths, as multipath gateways do, and
/// what else is to stand in it.
pub fn beat_of(
    mag: &str,
    binding_id: u8,
    sequence: u32,
    more: impl IntoIterator<Item = MobilityOption>,
) -> Message {
    let who = [multipath(binding_id), named(mag)];
    let options: Vec<MobilityOption> = who.into_iter().chain(more).collect();
    Message::Heartbeat(Heartbeat {
        options: MobilityOptions::try_from(options).unwrap(),
        ..Heartbeat::request(sequence)
    })
}

pub fn notification(
    sequence: u16,
    reason: NotificationReason,
    flags: UpdateNotificationFlags,
    options: Vec<MobilityOption>,
) -> Message {
    Message::UpdateNotification(UpdateNotification {
        sequence: SequenceNumber(sequence),
        reason,
        flags,
        options: MobilityOptions::try_from(options).unwrap(),
    })
}
