//! Points as text: CSV, JSON lines and `InfluxDB` line protocol, appended to a buffer of the
//! caller.
//!
//! One function per format writes one point; nothing is allocated per point, because `replay`
//! writes millions of them. All formats share the spellings of [`number`]: exact decimals without
//! exponent or trailing zeros, and f64 by the fewest digits that read back as the same number.

mod append;
pub mod csv;
pub mod influx;
pub mod json;
pub mod number;

use stock_up_core::Point;
use thiserror::Error;

pub use influx::VolumeField;

/// A text format for points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a header; absent values are empty.
    Csv,
    /// One JSON object per line; absent values are `null`.
    Jsonl,
    /// `InfluxDB` line protocol, one line per point.
    InfluxWide,
    /// `InfluxDB` line protocol as the seed system wrote it: up to seven lines per point.
    InfluxSeed(VolumeField),
}

/// Why a point cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// The seed layout holds volumes as integers unless told otherwise.
    #[error(
        "volume {volume} of `{symbol}` is no whole number, and the layout `seed` writes integers; \
         set volume = \"float\" or use the layout `wide`"
    )]
    FractionalVolume {
        /// Whose point it is.
        symbol: String,
        /// The volume, exactly.
        volume: String,
    },
}

impl Format {
    /// Appends what stands before the first point.
    pub fn write_header(self, out: &mut Vec<u8>) {
        if self == Self::Csv {
            out.extend_from_slice(csv::HEADER.as_bytes());
            out.push(b'\n');
        }
    }

    /// Appends `point` with its line ends; on an error `out` is as it was.
    pub fn write_point(
        self,
        point: &Point,
        symbol: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), TextError> {
        match self {
            Self::Csv => csv::write_point(point, symbol, out),
            Self::Jsonl => {
                json::write_point(point, symbol, out);
                out.push(b'\n');
            }
            Self::InfluxWide => influx::write_wide(point, symbol, out),
            Self::InfluxSeed(volume) => return influx::write_seed(point, symbol, volume, out),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
