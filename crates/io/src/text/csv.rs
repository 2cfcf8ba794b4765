//! CSV (RFC 4180): a field is quoted when it holds a comma, a quote or a line end.

use stock_up_core::{Decimal, Point};

use super::number::{write_decimal, write_f64, write_int, write_span, write_volume};

/// The columns of a series, as `replay` and `export series` write them.
pub const HEADER: &str = "timestamp_ns,symbol,window,transactions,volume,last_price,min_price,\
max_price,avg_price_trans,avg_price_volume,variance,status,coverage,revision";

/// Appends one row.
pub fn write_point(point: &Point, symbol: &str, out: &mut Vec<u8>) {
    let metrics = &point.metrics;
    write_int(point.time, out);
    out.push(b',');
    write_field(symbol, out);
    out.push(b',');
    write_span(point.window, out);
    out.push(b',');
    write_int(metrics.transactions, out);
    out.push(b',');
    write_volume(&metrics.volume, out);
    for price in [metrics.last_price, metrics.min_price, metrics.max_price] {
        write_price(price, out);
    }
    for value in [metrics.mean_price, metrics.vwap, metrics.variance] {
        out.push(b',');
        value.map(|value| write_f64(value, out));
    }
    out.push(b',');
    out.extend_from_slice(point.status.name().as_bytes());
    out.push(b',');
    write_f64(point.coverage, out);
    out.push(b',');
    write_int(point.revision, out);
    out.push(b'\n');
}

fn write_price(price: Option<Decimal>, out: &mut Vec<u8>) {
    out.push(b',');
    if let Some(price) = price {
        write_decimal(price, out);
    }
}

/// Appends a text, quoted when it must be.
pub fn write_field(text: &str, out: &mut Vec<u8>) {
    if !text
        .bytes()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
