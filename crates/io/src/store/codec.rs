//! The bytes of a chunk: points of one series in the order of their emission.
//!
//! ```text
//! chunk := version 1 | count | point * count | crc32c of all before, u32 little-endian
//! point := emission, less the one expected next | time, less the one expected next (signed)
//!        | revision | status and coverage flag | presence flags | coverage f64, unless 1
//!        | transactions | volume as text | last, min, max: mantissa, scale, where present
//!        | mean, vwap, variance f64, where present
//! ```
//!
//! Numbers are the varints of [`stock_up_core::bytes`], an f64 is its bits, little-endian. The
//! expected emission is the one after the last; the expected time is as far from the last as that
//! was from the one before. Reading any bytes gives an error or points, and never panics.

use stock_up_core::bytes::{BytesError, Decoder, Encoder};
use stock_up_core::{Decimal, Metrics, Point, Span, Status, SymbolId, Volume};

use super::error::Damage;

/// Version of the layout of a chunk.
pub const CHUNK_VERSION: u8 = 1;

/// Most points of one chunk.
pub const MAX_CHUNK_POINTS: usize = 1_024;

/// The least bytes that a point takes.
const MIN_POINT_BYTES: usize = 7;

/// Longest volume: 512 bits have 155 digits.
const MAX_VOLUME_BYTES: usize = 200;

const COVERAGE_FLAG: u8 = 1 << 3;
const STATUS_MASK: u8 = COVERAGE_FLAG - 1;

/// What the next point is expected to say.
#[derive(Debug, Default, Clone, Copy)]
struct Expected {
    emission: u64,
    time: i64,
    step: i64,
}

impl Expected {
    fn after(self, emission: u64, time: i64, first: bool) -> Self {
        let last = self.time.wrapping_sub(self.step);
        let step = if first { 0 } else { time.wrapping_sub(last) };
        Self {
            emission: emission.wrapping_add(1),
            time: time.wrapping_add(step),
            step,
        }
    }
}

/// Appends a chunk of `points`, which are in the order of emission.
pub fn encode<'p>(points: impl ExactSizeIterator<Item = (u64, &'p Point)>, out: &mut Vec<u8>) {
    let start = out.len();
    let mut encoder = Encoder::new(out);
    encoder.byte(CHUNK_VERSION);
    encoder.count(points.len());
    let (mut expected, mut first) = (Expected::default(), true);
    for (emission, point) in points {
        let mut encoder = Encoder::new(out);
        encoder.unsigned(emission.wrapping_sub(expected.emission));
        encoder.signed(point.time.wrapping_sub(expected.time));
        encode_point(point, out);
        expected = expected.after(emission, point.time, first);
        first = false;
    }
    let crc = crc32c::crc32c(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

fn encode_point(point: &Point, out: &mut Vec<u8>) {
    let metrics = &point.metrics;
    let prices = [metrics.last_price, metrics.min_price, metrics.max_price];
    let means = [metrics.mean_price, metrics.vwap, metrics.variance];
    let whole = point.coverage.to_bits() == 1_f64.to_bits();
    let mut present = 0_u8;
    for (bit, is_some) in prices
        .iter()
        .map(Option::is_some)
        .chain(means.iter().map(Option::is_some))
        .enumerate()
    {
        present |= u8::from(is_some) << bit;
    }
    let mut encoder = Encoder::new(out);
    encoder.unsigned(u64::from(point.revision));
    encoder.byte(status_code(point.status) | if whole { 0 } else { COVERAGE_FLAG });
    encoder.byte(present);
    if !whole {
        encode_f64(point.coverage, out);
    }
    let mut encoder = Encoder::new(out);
    encoder.unsigned(metrics.transactions);
    encoder.text(&metrics.volume.to_string());
    for price in prices.into_iter().flatten() {
        encoder.unsigned(price.mantissa());
        encoder.byte(price.scale());
    }
    for mean in means.into_iter().flatten() {
        encode_f64(mean, out);
    }
}

fn encode_f64(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

/// Persisted: these numbers stay.
fn status_code(status: Status) -> u8 {
    match status {
        Status::Complete => 0,
        Status::Provisional => 1,
        Status::Warming => 2,
        Status::Stale => 3,
        Status::Gap => 4,
    }
}

/// A chunk that is read point by point.
#[derive(Debug)]
pub struct Chunk {
    id: i64,
    window: Span,
    body: Vec<u8>,
    at: usize,
    left: usize,
    first: bool,
    expected: Expected,
}

impl Chunk {
    /// Checks the checksum and the head of `body`.
    pub fn open(id: i64, window: Span, mut body: Vec<u8>) -> Result<Self, Damage> {
        let end = body.len().saturating_sub(4);
        let expected = body
            .get(end..)
            .and_then(|crc| crc.try_into().ok())
            .map_or(0, u32::from_le_bytes);
        body.truncate(end);
        let found = crc32c::crc32c(&body);
        if end == 0 || found != expected {
            return Err(Damage::Checksum {
                id,
                found,
                expected,
            });
        }
        let mut decoder = Decoder::new(&body);
        let left = head(&mut decoder).map_err(|source| Damage::Chunk { id, source })?;
        let at = decoder.position();
        Ok(Self {
            id,
            window,
            body,
            at,
            left,
            first: true,
            expected: Expected::default(),
        })
    }

    fn read(&mut self) -> Result<(u64, Point), BytesError> {
        let mut decoder = Decoder::new(self.body.get(self.at..).unwrap_or_default());
        let emission = decoder
            .unsigned("emission")?
            .wrapping_add(self.expected.emission);
        let time = decoder.signed("time")?.wrapping_add(self.expected.time);
        let mut point = decode_point(&mut decoder)?;
        point.time = time;
        point.window = self.window;
        self.expected = self.expected.after(emission, time, self.first);
        self.first = false;
        self.at += decoder.position();
        if self.left == 1 {
            decoder.finish()?;
        }
        Ok((emission, point))
    }
}

impl Iterator for Chunk {
    type Item = Result<(u64, Point), Damage>;

    /// The next point; after an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let read = self.read();
        self.left = if read.is_ok() { self.left - 1 } else { 0 };
        let id = self.id;
        Some(read.map_err(|source| Damage::Chunk { id, source }))
    }
}

fn head(decoder: &mut Decoder<'_>) -> Result<usize, BytesError> {
    if decoder.byte("chunk version")? != CHUNK_VERSION {
        return Err(decoder.invalid("chunk version"));
    }
    decoder.count("point count", MIN_POINT_BYTES, MAX_CHUNK_POINTS)
}

fn decode_point(decoder: &mut Decoder<'_>) -> Result<Point, BytesError> {
    let revision =
        u32::try_from(decoder.unsigned("revision")?).map_err(|_| decoder.invalid("revision"))?;
    let flags = decoder.byte("status")?;
    let status = Status::ALL
        .into_iter()
        .find(|status| status_code(*status) == flags & STATUS_MASK)
        .filter(|_| flags <= STATUS_MASK | COVERAGE_FLAG)
        .ok_or_else(|| decoder.invalid("status"))?;
    let present = decoder.byte("presence flags")?;
    if present >= 1 << 6 {
        return Err(decoder.invalid("presence flags"));
    }
    let coverage = if flags & COVERAGE_FLAG == 0 {
        1.0
    } else {
        decode_f64(decoder)?
    };
    let has = |bit: u8| present & (1 << bit) != 0;
    let metrics = Metrics {
        transactions: decoder.unsigned("transactions")?,
        volume: Volume::parse(decoder.text("volume", MAX_VOLUME_BYTES)?)
            .ok_or_else(|| decoder.invalid("volume"))?,
        last_price: decode_price(decoder, has(0))?,
        min_price: decode_price(decoder, has(1))?,
        max_price: decode_price(decoder, has(2))?,
        mean_price: has(3).then(|| decode_f64(decoder)).transpose()?,
        vwap: has(4).then(|| decode_f64(decoder)).transpose()?,
        variance: has(5).then(|| decode_f64(decoder)).transpose()?,
    };
    Ok(Point {
        symbol: SymbolId(0),
        window: Span::ZERO,
        time: 0,
        revision,
        status,
        coverage,
        metrics,
    })
}

fn decode_price(decoder: &mut Decoder<'_>, present: bool) -> Result<Option<Decimal>, BytesError> {
    if !present {
        return Ok(None);
    }
    let mantissa = decoder.unsigned("price")?;
    let scale = decoder.byte("scale")?;
    Decimal::new(mantissa, scale)
        .map(Some)
        .map_err(|_| decoder.invalid("price"))
}

fn decode_f64(decoder: &mut Decoder<'_>) -> Result<f64, BytesError> {
    let mut bytes = [0; 8];
    for byte in &mut bytes {
        *byte = decoder.byte("f64")?;
    }
    Ok(f64::from_bits(u64::from_le_bytes(bytes)))
}

#[cfg(test)]
mod tests;
