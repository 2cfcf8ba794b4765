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

use stock_up_core::trade::{MAX_BATCH_TRADES, symbol_problem};
use stock_up_core::{NameId, Names, Trade};

use super::conditions;
use super::fast::{self, Texts};
use super::item::{Field, Item};
use super::memo::{Ids, LongTexts};
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
/// [`BadFrame`] when nothing of the frame could be used; then `intake` is as it was.
pub fn decode(
    frame: &[u8],
    rules: &FrameRules<'_>,
    intake: &mut Intake,
) -> Result<FrameKind, BadFrame> {
    // Frames of one read share a batch; together they stay below its limit.
    let start = intake.batch.trades.len();
    if intake.batch.names.is_empty() {
        intake.texts.begin();
    }
    let mut reader = Reader {
        rules,
        intake,
        bad: BadCounts::default(),
        long_symbols: LongTexts::new(),
        long_lists: LongTexts::new(),
        none: None,
        scratch: String::new(),
    };
    let outcome = reader.frame(frame);
    let bad = std::mem::take(&mut reader.bad);
    if matches!(outcome, Ok(FrameKind::Trades)) {
        let trades = intake.batch.trades.get(start..).unwrap_or_default();
        intake.paired_frames += u64::from(Pairs::all_in(trades));
        intake.bad.merge(bad);
    } else {
        intake.batch.trades.truncate(start);
    }
    outcome
}

/// What one frame is read with.
struct Reader<'a, 'i> {
    rules: &'i FrameRules<'i>,
    intake: &'i mut Intake,
    bad: BadCounts,
    long_symbols: LongTexts<'a>,
    long_lists: LongTexts<'a>,
    /// The id of no conditions, once it is known.
    none: Option<NameId>,
    scratch: String,
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
            if index == MAX_FRAME_TRADES || self.intake.batch.trades.len() == MAX_BATCH_TRADES {
                return Err(BadFrame::TooManyTrades {
                    max: MAX_FRAME_TRADES,
                });
            }
            if let Some((trade, length)) = fast::read(scanner.rest(), self, self.rules.now) {
                scanner.pass(length);
                self.intake.batch.trades.push(trade);
            } else {
                self.careful(scanner, index)?;
            }
            index += 1;
            if !scanner.another(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads an entry of any shape and judges it.
    fn careful(&mut self, scanner: &mut Scanner<'a>, index: usize) -> Result<(), BadFrame> {
        let trade = match Item::read(scanner)? {
            Some(item) => self.trade(&item),
            None => Err(BadTrade::Shape),
        };
        match trade {
            Ok(trade) => self.intake.batch.trades.push(trade),
            Err(bad) => self.bad.trade(index, &bad),
        }
        Ok(())
    }

    fn trade(&mut self, item: &Item<'a>) -> Result<Trade, BadTrade> {
        let (ts_event, price, size) = item.numbers(self.rules.now)?;
        let symbol = match item.symbol {
            Field::Text(raw) => self.new_symbol(raw)?,
            Field::Absent => return Err(BadTrade::Missing { field: 's' }),
            _ => {
                return Err(BadTrade::Kind {
                    field: 's',
                    wanted: "text",
                });
            }
        };
        let conditions = match item.conditions {
            Field::Absent | Field::Null => self.none(),
            Field::List(raw) => self.new_conditions(raw)?,
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

    fn new_symbol(&mut self, raw: &[u8]) -> Result<NameId, BadTrade> {
        let text = unescape(raw).ok_or(BadTrade::Symbol("symbol holds a broken escape"))?;
        let known = self
            .rules
            .subscribed
            .map(|names| names.find(&text).is_some());
        // What is subscribed was judged when it was wanted.
        if known != Some(true) {
            judge_symbol(&text)?;
        }
        if known == Some(false) {
            return Err(BadTrade::Unsubscribed);
        }
        Ok(self.intake.batch.names.intern(&text))
    }

    fn new_conditions(&mut self, raw: &[u8]) -> Result<NameId, BadTrade> {
        self.scratch.clear();
        conditions::join(raw, &mut self.scratch)?;
        Ok(self.intake.batch.names.intern(&self.scratch))
    }
}

/// Texts of the usual shape that were not seen before in this batch.
impl<'a> Reader<'a, '_> {
    #[inline(never)]
    fn learn_symbol(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)> {
        let subscribed = self.rules.subscribed?;
        let (known, length) = self
            .subscribed_before(bytes, subscribed)
            .or_else(|| find_subscribed(bytes, subscribed))?;
        let ids = Ids {
            here: self.intake.batch.names.intern(subscribed.get(known)),
            subscribed: Some(known),
        };
        let memo = &mut self.intake.texts.symbols;
        memo.add(&mut self.long_symbols, (bytes, length), ids);
        Some((ids.here, length))
    }

    /// A symbol that stood in a batch before, if it is subscribed still.
    #[inline]
    fn subscribed_before(&self, bytes: &[u8], subscribed: &Names) -> Option<(NameId, usize)> {
        let (known, length) = self.intake.texts.symbols.find_subscribed(bytes)?;
        let text = subscribed.get(known).as_bytes();
        let is_same = text.len() + 1 == length && bytes.starts_with(text);
        is_same.then_some((known, length))
    }

    #[inline(never)]
    fn learn_conditions(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)> {
        self.scratch.clear();
        let length = conditions::join_plain(bytes, &mut self.scratch)?;
        let ids = Ids {
            here: self.intake.batch.names.intern(&self.scratch),
            subscribed: None,
        };
        let memo = &mut self.intake.texts.lists;
        memo.add(&mut self.long_lists, (bytes, length), ids);
        Some((ids.here, length))
    }
}

/// The plain text that begins at `bytes`, if it is subscribed, and its length with the quote at its
/// end.
fn find_subscribed(bytes: &[u8], subscribed: &Names) -> Option<(NameId, usize)> {
    let end = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (raw, behind) = bytes.split_at_checked(end)?;
    if behind.first() != Some(&b'"') {
        return None;
    }
    let known = subscribed.find(std::str::from_utf8(raw).ok()?)?;
    Some((known, raw.len() + 1))
}

impl<'a> Texts<'a> for Reader<'a, '_> {
    #[inline]
    fn symbol(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)> {
        let memo = &self.intake.texts.symbols;
        if let Some(known) = memo.find(&self.long_symbols, bytes) {
            return Some(known);
        }
        self.learn_symbol(bytes)
    }

    #[inline]
    fn conditions(&mut self, bytes: &'a [u8]) -> Option<(NameId, usize)> {
        let memo = &self.intake.texts.lists;
        if let Some(known) = memo.find(&self.long_lists, bytes) {
            return Some(known);
        }
        self.learn_conditions(bytes)
    }

    #[inline]
    fn none(&mut self) -> NameId {
        let names = &mut self.intake.batch.names;
        *self.none.get_or_insert_with(|| names.intern(""))
    }
}

fn judge_symbol(text: &str) -> Result<(), BadTrade> {
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(BadTrade::Character {
            code: u32::from(c),
            place: "symbol",
        });
    }
    match symbol_problem(text) {
        Some(problem) => Err(BadTrade::Symbol(problem)),
        None => Ok(()),
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
