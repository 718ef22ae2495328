//! The file formats in all their variants.

use serde_json::{Value, json};

use crate::capture::{
    ETHERNET, Order, RAW, block, control, enhanced, ethernet, heartbeat, interface, obsolete, pcap,
    record, section, simple,
};
use crate::{json, run};

fn times(run: &crate::Run) -> Vec<Value> {
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.json()
        .iter()
        .map(|object| object["time"].clone())
        .collect()
}

#[test]
fn classic_captures_of_both_orders_and_both_resolutions() {
    for order in [Order::Big, Order::Little] {
        for (nanos, time) in [
            (false, "2023-11-14T22:13:20.000123000Z"),
            (true, "2023-11-14T22:13:20.000000123Z"),
        ] {
            let records = [record(control(&heartbeat(9))).at(1_700_000_000, 123)];
            let object = json(&pcap(order, nanos, RAW, &records)).only();
            assert_eq!(object["time"], time, "{order:?}");
            assert_eq!(object["sequence_number"], 9);
        }
    }
}

#[test]
fn the_upper_half_of_the_link_type_is_something_else() {
    // A frame check sequence of four octets, as the classic header announces it.
    let mut frame = ethernet(&[], 0x0800, &control(&heartbeat(9)));
    frame.extend([1, 2, 3, 4]);
    let file = pcap(
        Order::Little,
        false,
        ETHERNET | 0x4400_0000,
        &[record(frame)],
    );
    assert_eq!(json(&file).only()["sequence_number"], 9);
}

#[test]
fn sections_of_both_orders_follow_each_other() {
    let packet = control(&heartbeat(1));
    let framed = ethernet(&[], 0x0800, &packet);
    let resolution = |value: u8| (9, vec![value]);
    let mut file = Vec::new();
    for order in [Order::Little, Order::Big] {
        file.extend(section(order));
        // Microseconds by default, and two hours on.
        let offset = (14, order.i64(7200).to_vec());
        file.extend(interface(order, 101, 0, &[offset]));
        // Nanoseconds on Ethernet, and units of 2^-10 s.
        file.extend(interface(order, 1, 0, &[resolution(9)]));
        file.extend(interface(order, 101, 0, &[resolution(0x8a)]));
        file.extend(block(order, 0x0bad, b"nobody knows this block"));
        file.extend(enhanced(order, 0, 1_700_000_000_000_005, &packet));
        file.extend(enhanced(order, 1, 1_700_000_000_000_000_005, &framed));
        file.extend(enhanced(order, 2, (1_700_000_000 << 10) + 512, &packet));
        file.extend(obsolete(order, 0, 5, &packet));
    }
    let run = json(&file);
    let expected = [
        "2023-11-15T00:13:20.000005000Z",
        "2023-11-14T22:13:20.000000005Z",
        "2023-11-14T22:13:20.500000000Z",
        "1970-01-01T02:00:00.000005000Z",
    ];
    assert_eq!(times(&run), [expected, expected].concat());
    let frames: Vec<u64> = run
        .json()
        .iter()
        .filter_map(|object| object["frame"].as_u64())
        .collect();
    assert_eq!(frames, [1, 2, 3, 4, 5, 6, 7, 8], "counted through the file");
}

#[test]
fn a_simple_packet_has_no_time_and_the_interface_s_snap_length() {
    let packet = control(&heartbeat(3));
    let order = Order::Little;
    let head = [section(order), interface(order, 101, 33, &[])].concat();
    let whole = [head.clone(), simple(order, 33, &packet[..33])].concat();
    let run = json(&whole);
    assert_eq!(run.json()[0]["time"], Value::Null);
    assert_eq!(run.json()[0]["error"]["kind"], "Truncated");
    let head = [section(order), interface(order, 101, 0, &[])].concat();
    let whole = [head, simple(order, packet.len(), &packet)].concat();
    assert_eq!(json(&whole).only()["sequence_number"], 3);
}

#[test]
fn a_frame_of_an_interface_nobody_described_is_named() {
    let order = Order::Big;
    let packet = control(&heartbeat(3));
    let file = [section(order), enhanced(order, 4, 0, &packet)].concat();
    let run = json(&file);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("frame 1"), "{}", run.stderr);
    assert!(
        run.stderr.contains("interface 4 is not described"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_that_breaks_off_shows_what_came_before() {
    let records = [
        record(control(&heartbeat(1))),
        record(control(&heartbeat(2))),
    ];
    let mut file = pcap(Order::Little, false, RAW, &records);
    file.truncate(file.len() - 5);
    let run = json(&file);
    assert_eq!(run.code, 3);
    assert_eq!(run.json().len(), 1);
    let told = "the file ends inside the record of frame 2, 5 octets too early";
    assert!(run.stderr.contains(told), "{}", run.stderr);
}

#[test]
fn lengths_that_lie_are_damage_and_no_memory() {
    let mut file = pcap(Order::Little, false, RAW, &[record(control(&heartbeat(1)))]);
    file.extend([0; 8]);
    file.extend([0xff; 8]);
    let run = json(&file);
    assert_eq!((run.code, run.json().len()), (3, 1));
    assert!(
        run.stderr.contains("the file is damaged at octet 84"),
        "{}",
        run.stderr
    );
    // A block of 4 GiB in a file of some hundred octets.
    let order = Order::Little;
    for block_type in [6u32, 1, 0x0bad] {
        let mut file = [section(order), interface(order, 101, 0, &[])].concat();
        file.extend(order.u32(block_type));
        file.extend(order.u32(0xffff_fffc));
        file.extend([0; 64]);
        let run = json(&file);
        assert_eq!(run.code, 3, "{block_type}");
        assert!(run.stderr.contains("octets too early"), "{}", run.stderr);
    }
}

#[test]
fn what_is_no_capture_says_what_it_is() {
    for (file, told) in [
        (&b""[..], "it is empty"),
        (&[0x1f, 0x8b, 8, 0, 0], "gunzip"),
        (b"GIF89a", "it starts with 47 49 46 38"),
    ] {
        let run = json(file);
        assert_eq!(run.code, 3);
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
}

#[test]
fn a_named_file_is_read_as_a_stream_is() {
    let folder = std::env::temp_dir().join(format!("pmip-decode-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("one.pcap");
    let file = pcap(Order::Little, false, RAW, &[record(control(&heartbeat(5)))]);
    std::fs::write(&path, file).expect("a file");
    let object = run(&[path.to_str().expect("a path"), "--json"], &[]).only();
    assert_eq!(object["sequence_number"], json!(5));
    std::fs::remove_dir_all(&folder).expect("it goes again");
}
