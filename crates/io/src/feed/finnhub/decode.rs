//! A frame, as Finnhub sends it, to trades.
//!
//! ```json
//! {"data":[{"c":["1","8"],"p":317.775,"s":"AAPL","t":1787924136086,"v":200},
//!   {"c":null,"p":66972.77,"s":"BINANCE:BTCUSDT","t":1721555886208,"v":0.01559}],"type":"trade"}
//! {"type":"ping"}
//! {"msg":"Subscribing to too many symbols","type":"error"}
//! ```
//!
//! Keys come in any order, also `data` before `type`, so trades are read where they stand and taken
//! back if the frame turns out to be something else.

use stock_up_core::Trade;
use stock_up_core::trade::MAX_BATCH_TRADES;

use super::fast;
use super::item::{Field, Item};
use super::lookup::Lookup;
use super::scan::{Kind, Scanner};
use super::text::unescape;
use crate::feed::bad::{BadCounts, BadFrame, BadTrade, printable};
use crate::feed::repeats::Pairs;
use crate::feed::venue::{FrameKind, FrameRules, Intake, VenueError, VenueErrorKind};

/// Longest frame; real ones have a few kB.
pub const MAX_FRAME_BYTES: usize = 1 << 20;

/// Most trades in one frame.
pub const MAX_FRAME_TRADES: usize = MAX_BATCH_TRADES;

/// Longest text of a complaint that is kept, in characters.
const ERROR_CHARS: usize = 200;

/// Reads one frame; see [`crate::feed::Venue::decode`].
///
/// # Errors
/// [`BadFrame`] when nothing of the frame could be used; then no trade of it is in `intake`, at most
/// unused names.
pub fn decode(
    frame: &[u8],
    rules: &FrameRules<'_>,
    intake: &mut Intake,
) -> Result<FrameKind, BadFrame> {
    let batch = &mut intake.batch;
    // Frames of one read share a batch; together they stay below its limit.
    let start = batch.trades.len();
    let mut reader = Reader {
        now: rules.now,
        lookup: Lookup::new(rules.subscribed, &mut batch.names, &mut intake.texts),
        trades: &mut batch.trades,
        bad: BadCounts::default(),
    };
    let outcome = reader.frame(frame);
    let bad = reader.bad;
    if matches!(outcome, Ok(FrameKind::Trades)) {
        let trades = batch.trades.get(start..).unwrap_or_default();
        intake.paired_frames += u64::from(Pairs::all_in(trades));
        intake.bad.merge(bad);
    } else {
        batch.trades.truncate(start);
    }
    outcome
}

/// What one frame is read with.
struct Reader<'a, 'i> {
    now: i64,
    lookup: Lookup<'a, 'i>,
    trades: &'i mut Vec<Trade>,
    bad: BadCounts,
}

/// What the keys of a frame said.
#[derive(Default)]
struct Head<'a> {
    kind: Option<&'a [u8]>,
    message: Option<&'a [u8]>,
    /// Whether `data` was a list; `None` when there is none.
    data: Option<bool>,
}

impl<'a> Reader<'a, '_> {
    fn frame(&mut self, frame: &'a [u8]) -> Result<FrameKind, BadFrame> {
        if frame.len() > MAX_FRAME_BYTES {
            return Err(BadFrame::TooLong {
                size: frame.len(),
                max: MAX_FRAME_BYTES,
            });
        }
        let meaning = self.meaning(frame);
        // Asked afterwards: reading brings the frame into the cache, and trusts no byte.
        // Nearly all frames are plain, which is seen faster than what other bytes mean.
        if !frame.is_ascii() {
            std::str::from_utf8(frame).map_err(|error| BadFrame::Utf8 {
                at: error.valid_up_to(),
            })?;
        }
        meaning
    }

    fn meaning(&mut self, frame: &'a [u8]) -> Result<FrameKind, BadFrame> {
        let mut scanner = Scanner::new(frame);
        scanner.blanks();
        if scanner.kind()? != Kind::Object {
            scanner.skip()?;
            end_of(&mut scanner)?;
            return Err(BadFrame::Shape);
        }
        let head = self.object(&mut scanner)?;
        end_of(&mut scanner)?;
        head.meaning()
    }

    fn object(&mut self, scanner: &mut Scanner<'a>) -> Result<Head<'a>, BadFrame> {
        let mut head = Head::default();
        scanner.expect(b'{')?;
        scanner.blanks();
        if scanner.take(b'}') {
            return Ok(head);
        }
        loop {
            match scanner.key()? {
                b"type" if scanner.peek() == Some(b'"') => head.kind = Some(scanner.string()?),
                b"msg" if scanner.peek() == Some(b'"') => head.message = Some(scanner.string()?),
                b"data" if scanner.peek() == Some(b'[') && head.data.is_none() => {
                    head.data = Some(true);
                    self.trades(scanner)?;
                }
                b"data" => {
                    head.data = Some(false);
                    scanner.skip()?;
                }
                _ => {
                    scanner.skip()?;
                }
            }
            if !scanner.another(b'}')? {
                return Ok(head);
            }
        }
    }

    fn trades(&mut self, scanner: &mut Scanner<'a>) -> Result<(), BadFrame> {
        scanner.expect(b'[')?;
        scanner.blanks();
        if scanner.take(b']') {
            return Ok(());
        }
        let mut index = 0;
        loop {
            let room =
                (MAX_FRAME_TRADES - index).min(MAX_BATCH_TRADES.saturating_sub(self.trades.len()));
            if room == 0 {
                return Err(BadFrame::TooManyTrades {
                    max: MAX_FRAME_TRADES,
                });
            }
            let known = self.trades.len();
            let length = fast::read(
                scanner.rest(),
                room,
                self.now,
                &mut self.lookup,
                self.trades,
            );
            scanner.pass(length);
            index += self.trades.len() - known;
            if length == 0 {
                self.careful(scanner, index)?;
                index += 1;
            }
            if !scanner.another(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads an entry of any shape and judges it.
    #[inline(never)]
    fn careful(&mut self, scanner: &mut Scanner<'a>, index: usize) -> Result<(), BadFrame> {
        let trade = match Item::read(scanner)? {
            Some(item) => self.trade(&item),
            None => Err(BadTrade::Shape),
        };
        match trade {
            Ok(trade) => self.trades.push(trade),
            Err(bad) => self.bad.trade(index, &bad),
        }
        Ok(())
    }

    fn trade(&mut self, item: &Item<'a>) -> Result<Trade, BadTrade> {
        let (ts_event, price, size) = item.numbers(self.now)?;
        let symbol = match item.symbol {
            Field::Text(raw) => self.lookup.symbol(raw)?,
            Field::Absent => return Err(BadTrade::Missing { field: 's' }),
            _ => {
                return Err(BadTrade::Kind {
                    field: 's',
                    wanted: "text",
                });
            }
        };
        let conditions = match item.conditions {
            Field::Absent | Field::Null => self.lookup.none(),
            Field::List(raw) => self.lookup.conditions(raw)?,
            _ => return Err(BadTrade::Conditions),
        };
        Ok(Trade {
            symbol,
            conditions,
            ts_event,
            price,
            size,
        })
    }
}

impl Head<'_> {
    fn meaning(&self) -> Result<FrameKind, BadFrame> {
        let kind = self.kind.and_then(unescape).ok_or(BadFrame::Shape)?;
        match &*kind {
            "trade" if self.data == Some(true) => Ok(FrameKind::Trades),
            "trade" => Err(BadFrame::NoData),
            "ping" => Ok(FrameKind::Ping),
            "error" => {
                let text = self.message.and_then(unescape).unwrap_or_default();
                Ok(FrameKind::Error(VenueError {
                    kind: error_kind(&text),
                    text: printable(&text, ERROR_CHARS),
                }))
            }
            other => Err(BadFrame::UnknownType {
                name: printable(other, 40),
            }),
        }
    }
}

/// What a complaint means, from its words: there is nothing else in it.
fn error_kind(text: &str) -> VenueErrorKind {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["too many symbols", "subscription limit"]) {
        VenueErrorKind::TooManySymbols
    } else if says(&["api key", "apikey", "token", "auth", "access", "permission"]) {
        VenueErrorKind::Auth
    } else {
        VenueErrorKind::Other
    }
}

/// Nothing may follow but blanks.
fn end_of(scanner: &mut Scanner<'_>) -> Result<(), BadFrame> {
    scanner.blanks();
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(scanner.bad()),
    }
}
