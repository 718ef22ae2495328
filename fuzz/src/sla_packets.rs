//! Any octets as control messages, measurement packets and test packets: no panic, and what was
//! read is written again the same.

use bytes::Bytes;
use pmip_wire::sla::{ControlPacket, MeasurementPacket};
use pmip_wire::stamp::{
    LocationSubTlv, ReflectorPacket, SenderPacket, StampKey, StampMode, Tlv, TlvValue, Tlvs,
};

/// Reads `data` as everything that a prober or responder may receive.
pub fn run(data: &[u8]) {
    control(data);
    measurement(data);
    stamp(data);
    let _ = tlvs(Tlvs::new(data), 0);
}

fn control(data: &[u8]) {
    let Ok(packet) = ControlPacket::decode(&Bytes::copy_from_slice(data)) else {
        return;
    };
    let mut wire = Vec::new();
    packet.encode(&mut wire);
    assert_eq!(wire.len(), data.len());
    assert_eq!(ControlPacket::decode_slice(&wire).as_ref(), Ok(&packet));
    let ControlPacket::Version2(mut message) = packet else {
        assert_eq!(wire, data, "another version is not touched");
        return;
    };
    message.sign(b"secret").expect("not empty");
    let mut signed = Vec::new();
    message.encode(&mut signed);
    let mode = message.authentication.mode();
    let known = mode.name().is_some();
    assert_eq!(message.verify(&signed, mode, b"secret").is_ok(), known);
}

fn measurement(data: &[u8]) {
    let Ok(packet) = MeasurementPacket::parse(data) else {
        return;
    };
    let mut wire = Vec::new();
    packet.header.encode(packet.data, &mut wire);
    assert_eq!(wire.len(), data.len());
    assert_eq!(MeasurementPacket::parse(&wire), Ok(packet));
}

fn stamp(data: &[u8]) {
    let key = StampKey::new(b"key").expect("not empty");
    for mode in [StampMode::Unauthenticated, StampMode::Authenticated(&key)] {
        if let Ok(packet) = SenderPacket::parse(data, mode) {
            let mut wire = Vec::new();
            packet.base.encode(mode, &mut wire);
            wire.extend_from_slice(packet.extension);
            assert_eq!(SenderPacket::parse(&wire, mode), Ok(packet));
            let _ = packet.tlvs().integrity(packet.base.sequence, &key);
        }
        if let Ok(packet) = ReflectorPacket::parse(data, mode) {
            let mut wire = Vec::new();
            packet.base.encode(mode, &mut wire);
            wire.extend_from_slice(packet.extension);
            assert_eq!(ReflectorPacket::parse(&wire, mode), Ok(packet));
        }
    }
}

/// Walks over TLVs, and those inside them; gives how many octets they take.
fn tlvs(tlvs: Tlvs<'_>, depth: usize) -> usize {
    let all = tlvs.as_slice().len();
    let mut octets = 0;
    for tlv in tlvs {
        let Ok(tlv) = tlv else {
            break;
        };
        octets += 4 + tlv.value.len();
        let _ = LocationSubTlv::decode(&tlv);
        let Ok(value) = tlv.decode() else {
            continue;
        };
        survives(&tlv, &value);
        let inside = if let TlvValue::Location(location) = value {
            Some(location.sub_tlvs)
        } else if let TlvValue::TimestampInformation(information) = value {
            Some(information.sub_tlvs)
        } else {
            None
        };
        if let Some(inside) = inside.filter(|_| depth == 0) {
            self::tlvs(inside, depth + 1);
        }
    }
    assert!(octets <= all, "no octet is read twice");
    octets
}

fn survives(tlv: &Tlv<'_>, value: &TlvValue<'_>) {
    let mut wire = Vec::new();
    let fits = value.encode(tlv.flags, &mut wire);
    fits.expect("it came with this length");
    let again = Tlvs::new(&wire).next();
    let again = again.expect("one").expect("what we write we read");
    assert_eq!(again.tlv_type, tlv.tlv_type);
    assert_eq!(again.flags, tlv.flags);
    assert_eq!(again.value.len(), tlv.value.len());
    let mut twice = Vec::new();
    let decoded = again.decode().expect("what we write we read");
    assert_eq!(decoded.encode(again.flags, &mut twice), Some(()));
    assert_eq!(twice, wire);
}
