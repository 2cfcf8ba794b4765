//! JSON lines: decimals are strings, because a JSON number is read as a float by most readers.

use stock_up_core::Point;

use super::number::{write_decimal, write_f64, write_int, write_span, write_volume};

/// Appends a point as one object.
///
/// Keys and meanings are those of the rows in `docs/http.md`.
pub fn write_point(point: &Point, symbol: &str, out: &mut Vec<u8>) {
    let metrics = &point.metrics;
    out.extend_from_slice(b"{\"timestamp_ns\":");
    write_int(point.time, out);
    out.extend_from_slice(b",\"symbol\":");
    write_string(symbol, out);
    out.extend_from_slice(b",\"window\":\"");
    write_span(point.window, out);
    out.extend_from_slice(b"\",\"transactions\":");
    write_int(metrics.transactions, out);
    out.extend_from_slice(b",\"volume\":\"");
    write_volume(&metrics.volume, out);
    out.push(b'"');
    for (name, price) in [
        ("last_price", metrics.last_price),
        ("min_price", metrics.min_price),
        ("max_price", metrics.max_price),
    ] {
        write_name(name, out);
        if let Some(price) = price {
            out.push(b'"');
            write_decimal(price, out);
            out.push(b'"');
        } else {
            out.extend_from_slice(b"null");
        }
    }
    for (name, value) in [
        ("avg_price_trans", metrics.mean_price),
        ("avg_price_volume", metrics.vwap),
        ("variance", metrics.variance),
    ] {
        write_name(name, out);
        write_number(value, out);
    }
    out.extend_from_slice(b",\"status\":\"");
    out.extend_from_slice(point.status.name().as_bytes());
    out.extend_from_slice(b"\",\"coverage\":");
    write_number(Some(point.coverage), out);
    out.extend_from_slice(b",\"revision\":");
    write_int(point.revision, out);
    out.push(b'}');
}

fn write_name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn write_number(value: Option<f64>, out: &mut Vec<u8>) {
    if !value.is_some_and(|value| write_f64(value, out)) {
        out.extend_from_slice(b"null");
    }
}

/// Appends a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => write_control(byte, out),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn write_control(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u00");
    for nibble in [byte >> 4, byte & 15] {
        out.push(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    }
}
