//! `InfluxDB` line protocol, in two layouts.
//!
//! `wide`: `stock_window,symbol=SPY,window=60s transactions=2i,volume=300,…,status="complete",
//! coverage=1,revision=0i 1700000000000000000`. A field has one type for ever in `InfluxDB`, so
//! `volume` is always a float here; its text is exact, the database rounds it. Absent prices are
//! left out.
//!
//! `seed`: the seven measurements `transactions` … `avg_price_volume` of the seed system, tag
//! `symbol`, field `value`, ms. They know no window: write the points of one window only.
//! `transactions` and
//! `volume` are integers, as they were; a database that shall hold fractional volumes is told so by
//! [`VolumeField::Float`].
//!
//! Only [`write_tag`] writes foreign text, and it escapes whatever could end a tag.

use stock_up_core::{Decimal, Point};

use super::TextError;
use super::append::{Stamp, push_short};
use super::number::{write_decimal, write_f64, write_int, write_span, write_volume};

/// The type of the field `volume` in the layout `seed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VolumeField {
    /// As the seed system wrote it; a fractional volume is refused.
    #[default]
    Integer,
    /// For markets with fractional sizes.
    Float,
}

/// Appends the line of the layout `wide`.
pub fn write_wide(point: &Point, symbol: &str, out: &mut Vec<u8>) {
    let metrics = &point.metrics;
    out.extend_from_slice(b"stock_window,symbol=");
    write_tag(symbol, out);
    out.extend_from_slice(b",window=");
    write_span(point.window, out);
    out.extend_from_slice(b" transactions=");
    write_int(metrics.transactions, out);
    out.extend_from_slice(b"i,volume=");
    write_volume(&metrics.volume, out);
    for (name, price) in [
        (",last_price=", metrics.last_price),
        (",min_price=", metrics.min_price),
        (",max_price=", metrics.max_price),
    ] {
        if let Some(price) = price {
            out.extend_from_slice(name.as_bytes());
            write_decimal(price, out);
        }
    }
    for (name, value) in [
        (",avg_price_trans=", metrics.mean_price),
        (",avg_price_volume=", metrics.vwap),
        (",variance=", metrics.variance),
    ] {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            out.extend_from_slice(name.as_bytes());
            write_f64(value, out);
        }
    }
    out.extend_from_slice(b",status=\"");
    out.extend_from_slice(point.status.name().as_bytes());
    out.extend_from_slice(b"\",coverage=");
    write_f64(point.coverage, out);
    out.extend_from_slice(b",revision=");
    write_int(point.revision, out);
    out.extend_from_slice(b"i ");
    write_int(point.time, out);
    out.push(b'\n');
}

/// Appends the lines of the layout `seed`.
pub fn write_seed(
    point: &Point,
    symbol: &str,
    volume: VolumeField,
    out: &mut Vec<u8>,
) -> Result<(), TextError> {
    let metrics = &point.metrics;
    if volume == VolumeField::Integer && metrics.volume.to_i64().is_none() {
        return Err(TextError::FractionalVolume {
            symbol: symbol.to_owned(),
            volume: metrics.volume.to_string(),
        });
    }
    seed_lines(point, symbol, Some(volume), out);
    Ok(())
}

/// Appends the lines of the layout `seed` but for the volume, which [`write_seed`] refuses.
pub fn write_seed_without_volume(point: &Point, symbol: &str, out: &mut Vec<u8>) {
    seed_lines(point, symbol, None, out);
}

fn seed_lines(point: &Point, symbol: &str, volume: Option<VolumeField>, out: &mut Vec<u8>) {
    let metrics = &point.metrics;
    let mut lines = SeedLines::write_first(point, symbol, out);
    if let Some(volume) = volume {
        lines.write(b"volume", |out| {
            write_volume(&metrics.volume, out);
            if volume == VolumeField::Integer {
                out.push(b'i');
            }
        });
    }
    lines.price(b"last_price", metrics.last_price);
    lines.price(b"min_price", metrics.min_price);
    lines.price(b"max_price", metrics.max_price);
    lines.mean(b"avg_price_trans", metrics.mean_price);
    lines.mean(b"avg_price_volume", metrics.vwap);
}

/// The lines of one point, of which all but the first repeat what they have in common.
struct SeedLines<'a> {
    out: &'a mut Vec<u8>,
    /// `,symbol=SPY value=`
    head: Stamp,
    /// The time, with a blank before and a line end behind.
    tail: Stamp,
}

impl<'a> SeedLines<'a> {
    fn write_first(point: &Point, symbol: &str, out: &'a mut Vec<u8>) -> Self {
        out.extend_from_slice(b"transactions");
        let at = out.len();
        out.extend_from_slice(b",symbol=");
        write_tag(symbol, out);
        out.extend_from_slice(b" value=");
        let head = Stamp::of_end(out, at);
        write_int(point.metrics.transactions, out);
        out.push(b'i');
        let at = out.len();
        out.push(b' ');
        write_int(point.time.div_euclid(1_000_000), out);
        out.push(b'\n');
        let tail = Stamp::of_end(out, at);
        Self { out, head, tail }
    }

    fn price<const N: usize>(&mut self, measurement: &[u8; N], price: Option<Decimal>) {
        if let Some(price) = price {
            self.write(measurement, |out| write_decimal(price, out));
        }
    }

    fn mean<const N: usize>(&mut self, measurement: &[u8; N], mean: Option<f64>) {
        if let Some(mean) = mean.filter(|mean| mean.is_finite()) {
            self.write(measurement, |out| {
                write_f64(mean, out);
            });
        }
    }

    #[inline]
    fn write<const N: usize>(&mut self, measurement: &[u8; N], value: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(measurement);
        self.head.push(self.out);
        value(self.out);
        self.tail.push(self.out);
    }
}

/// Appends a tag value: commas, equal signs and blanks are escaped. A line end cannot be written at
/// all and becomes a blank; a backslash at the end would escape what follows the tag and becomes
/// `%5C`.
pub fn write_tag(text: &str, out: &mut Vec<u8>) {
    let is_plain = |byte: u8| !matches!(byte, b',' | b'=' | b' ' | b'\n' | b'\r' | b'\\');
    if text.bytes().all(is_plain) {
        push_short(text.as_bytes(), out);
        return;
    }
    let body = text.trim_end_matches('\\');
    for byte in body.bytes() {
        match byte {
            b',' | b'=' | b' ' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' | b'\r' => out.extend_from_slice(b"\\ "),
            _ => out.push(byte),
        }
    }
    for _ in body.len()..text.len() {
        out.extend_from_slice(b"%5C");
    }
}
