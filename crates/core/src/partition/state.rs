//! A splitter as bytes, to be taken up again after a restart.

use thiserror::Error;

use super::{MAX_PARTITIONS, Part, Splitter};
use crate::bytes::{BytesError, Decoder, Encoder};
use crate::record::Clock;
use crate::record::codec::{
    decode_analyzer_settings, decode_watermark, encode_analyzer_settings, encode_watermark,
};

/// Version of the bytes.
const VERSION: u8 = 1;

/// Why bytes are no splitter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SplitterError {
    /// Written by a newer program.
    #[error("splitter format {0} is newer than supported 1; upgrade stock-up")]
    Newer(u8),
    /// Damaged or foreign bytes.
    #[error("the splitter's state is damaged")]
    Bytes(#[from] BytesError),
}

impl Splitter {
    /// Appends the splitter as bytes; between records it holds nothing else.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut to = Encoder::new(out);
        to.byte(VERSION);
        to.byte(match self.clock {
            Clock::Wall => 1,
            Clock::Event => 2,
        });
        encode_analyzer_settings(&self.settings, &mut to);
        encode_watermark(&self.whole, &mut to);
        to.byte(u8::from(self.next_grid.is_some()));
        to.signed(self.next_grid.unwrap_or_default());
        to.count(self.parts.len());
        for part in &self.parts {
            to.unsigned(part.next_seq);
            encode_watermark(&part.known, &mut to);
        }
    }

    /// The splitter of these bytes.
    ///
    /// # Errors
    /// [`SplitterError`] says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, SplitterError> {
        let mut from = Decoder::new(bytes);
        match from.byte("format version")? {
            VERSION => {}
            0 => return Err(from.invalid("format version").into()),
            newer => return Err(SplitterError::Newer(newer)),
        }
        let clock = match from.byte("clock")? {
            1 => Clock::Wall,
            2 => Clock::Event,
            _ => return Err(from.invalid("clock").into()),
        };
        let settings = decode_analyzer_settings(&mut from)?;
        let whole = decode_watermark(&mut from)?;
        let begun = from.flag("grid")?;
        let next_grid = Some(from.signed("next grid time")?).filter(|_| begun);
        let mut parts = Vec::new();
        for _ in 0..from.count("number of partitions", 7, MAX_PARTITIONS as usize)? {
            parts.push(Part {
                next_seq: from.unsigned("next number")?,
                known: decode_watermark(&mut from)?,
                ..Part::default()
            });
        }
        if parts.is_empty() {
            return Err(from.invalid("number of partitions").into());
        }
        from.finish()?;
        Ok(Self {
            clock,
            settings,
            whole,
            next_grid,
            parts,
        })
    }
}
